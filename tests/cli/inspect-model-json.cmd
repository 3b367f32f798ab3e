inspect model data/model.json --json
