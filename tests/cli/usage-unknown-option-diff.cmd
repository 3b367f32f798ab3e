diff --colour
