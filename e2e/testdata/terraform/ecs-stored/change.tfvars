insights   = "disabled"
logging    = "DEFAULT"
maximum    = 150
port       = 9090
alarms     = false
registries = []
tag        = "second"
