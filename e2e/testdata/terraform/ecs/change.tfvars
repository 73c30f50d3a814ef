page  = "second"
level = "enabled"
