description = "The database of production, again"
stages      = ["AWSCURRENT", "blue"]
