display = ""
retries = 5
kinds   = ["deploy", "rollback"]
tier    = "two"
raw     = true
full    = false
