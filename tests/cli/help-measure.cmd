measure --help
