config   = "canary"
wait     = 10
alarms   = false
events   = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
group    = "canary"
stage    = "production"
triggers = false
tag      = "second"
