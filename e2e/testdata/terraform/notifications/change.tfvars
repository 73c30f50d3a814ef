status = "DISABLED"
detail = "FULL"
topics = ["alerts", "others"]
