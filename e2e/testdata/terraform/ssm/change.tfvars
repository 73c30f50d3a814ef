value       = "v2"
description = "Which version runs"
large       = true
