idle     = 120
green    = 10
path     = "/ready"
answer   = "still nothing"
priority = 30
name     = "second"
