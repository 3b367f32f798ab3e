inspect model data/model.json
