variable "name" {
  description = "Name of the application: of its repositories, service, load balancer and pipeline."
  type        = string
  default     = "web"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}$", var.name))
    error_message = "Use 2 to 23 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-east-1"
}

variable "first_image" {
  description = "What the service runs until the first image is pushed: any that answers on port 8080, and with 200 at /healthz. On AWS, which cannot pull the default, give one of your own."
  type        = string
  default     = "slipway/placeholder:1"
}

variable "port" {
  description = "Where production answers; new tasks can be tried at the port above it before they get its traffic."
  type        = number
  default     = 8080
}

variable "replicas" {
  description = "How many tasks run; twice as many do while they are replaced."
  type        = number
  default     = 2
}

variable "shift" {
  description = "How traffic moves: one of CodeDeploy's configurations for ECS."
  type        = string
  default     = "CodeDeployDefault.ECSCanary10Percent5Minutes"
}

variable "keep_blue" {
  description = "Minutes that the replaced tasks stay: as long, the way back takes no time."
  type        = number
  default     = 5
}
