label    = "two"
hours    = 2
actions  = ["logs:*"]
boundary = false
status   = "Inactive"
managed  = ["AWSCodeBuildDeveloperAccess", "AmazonS3ReadOnlyAccess"]
