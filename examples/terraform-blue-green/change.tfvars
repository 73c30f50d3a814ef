# A change that applies in place: terraform apply -var-file change.tfvars
shift     = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes"
keep_blue = 1
