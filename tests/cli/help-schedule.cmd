schedule --help
