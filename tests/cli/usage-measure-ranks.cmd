measure --ranks 0
