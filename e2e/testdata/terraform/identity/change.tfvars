description = "The role of all builds"
