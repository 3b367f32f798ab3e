LC_ALL=C plan --help
