code     = "two.zip"
memory   = 256
timeout  = 10
weight   = 0.5
reserved = 2
retries  = 2
team     = "platform"
