calibrate data/runs.jsonl --blind {tmp}/blind.csv
