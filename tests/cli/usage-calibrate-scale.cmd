calibrate data/runs.jsonl --priors data/priors.json --scale nan
