estimate a.json b.json
