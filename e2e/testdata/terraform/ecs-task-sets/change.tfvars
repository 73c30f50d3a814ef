scale = 100
grace = 10
tag   = "second"
