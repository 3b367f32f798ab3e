inspect model data/config.json
