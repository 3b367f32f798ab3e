why --colour
