estimate --colour
