threshold   = 0
description = "Errors of the service, again"
enabled     = false
operator    = "AND"
