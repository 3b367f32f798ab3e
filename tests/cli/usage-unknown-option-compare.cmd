compare --colour
