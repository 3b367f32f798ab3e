calibrate data/runs.jsonl --priors data/priors.json --folds 3 --fold 3
