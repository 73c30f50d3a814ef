mutability = "MUTABLE"
scan       = false
tier       = "two"
puller     = "lambda.amazonaws.com"
