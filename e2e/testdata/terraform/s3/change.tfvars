days      = 31
status    = "Suspended"
body      = "second"
algorithm = "aws:kms"
acl       = "log-delivery-write"
label     = "two"
