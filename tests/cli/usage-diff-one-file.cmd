diff data/model.json
