team     = "platform"
endpoint = "https://git2.example.com"
