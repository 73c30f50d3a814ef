page  = "second"
grace = 60
level = "enabled"
