inspect --colour
