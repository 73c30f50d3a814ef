name        = "page"
description = ""
tier        = "two"
key         = "arn:aws:kms:us-east-1:000000000000:key/abcd1234-12ab-34cd-56ef-1234567890ab"
approvals   = 3
branch      = "next"
