calibrate data/runs.jsonl --priors data/priors.json --fold 1
