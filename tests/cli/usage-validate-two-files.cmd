validate a.json b.json
