description = "A push to what is released"
schedule    = "cron(0 3 ? * MON-FRI *)"
enabled     = "DISABLED"
