schedule --memory-cap -1
