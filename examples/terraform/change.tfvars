# A change that applies in place, for those who want to see one:
# terraform apply -var-file change.tfvars
build_timeout = 15
replicas      = 2
