inspect model data/experts.json
