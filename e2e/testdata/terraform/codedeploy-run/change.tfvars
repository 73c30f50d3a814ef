stage = "second"
