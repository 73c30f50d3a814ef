days      = 14
label     = "two"
encrypted = false
pattern   = "?ERROR ?FATAL"
