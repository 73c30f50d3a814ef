name        = "page"
description = ""
tier        = "two"
key         = 1
approvals   = 3
branch      = "next"
