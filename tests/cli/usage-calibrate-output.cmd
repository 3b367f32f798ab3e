calibrate data/runs.jsonl -o {tmp}/mine.json
