calibrate data/runs.jsonl --priors data/priors.json --threads -1
