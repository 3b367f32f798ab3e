validate a.json --tolerance 0
