description = "Artifacts of builds"
period      = 180
enabled     = false
target      = "minimal"
