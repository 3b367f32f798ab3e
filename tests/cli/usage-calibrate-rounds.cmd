calibrate data/runs.jsonl --priors data/priors.json --rounds 100000
