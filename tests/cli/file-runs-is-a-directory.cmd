compare data
