compare /dev/null
