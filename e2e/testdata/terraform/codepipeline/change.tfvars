mode   = "SUPERSEDED"
branch = "next"
level  = "high"
