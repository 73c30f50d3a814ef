variable "name" {
  description = "Name of the application: of its repositories, build project, services and pipeline."
  type        = string
  default     = "hello"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "Use 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-east-1"
}

variable "branch" {
  description = "Branch whose pushes are shipped."
  type        = string
  default     = "main"
}

variable "first_image" {
  description = "What the services run until the first push is shipped: any image that answers on port 8080. On AWS, which cannot pull the default, give one of your own."
  type        = string
  default     = "slipway/placeholder:1"
}

variable "replicas" {
  description = "How many tasks each service runs."
  type        = number
  default     = 1
}

variable "build_timeout" {
  description = "Minutes after which a build that hangs is stopped. The default of CodeBuild is 60, which is a long time to wait for nothing."
  type        = number
  default     = 20
}

variable "keep_images" {
  description = "How many images the image repository keeps."
  type        = number
  default     = 30
}
