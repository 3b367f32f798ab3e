calibrate data/runs.jsonl --priors data/priors.json --leave-out gamma
