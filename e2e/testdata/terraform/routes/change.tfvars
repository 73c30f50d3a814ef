name   = "second"
onprem = ["192.168.0.0/17", "172.16.0.0/12"]
apart  = false
main   = "other"
