days    = 31
minimum = "all_storage_classes_128K"
