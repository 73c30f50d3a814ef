office          = "10.8.0.0/16"
hostnames       = true
web_description = "the web, again"
port            = 9090
name            = "second"
