insights   = "disabled"
logging    = "DEFAULT"
maximum    = 300
port       = 9090
alarms     = false
registries = []
tag        = "second"
