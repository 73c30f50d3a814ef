change = true
