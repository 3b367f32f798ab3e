calibrate data/runs.jsonl --spreads {tmp}/spreads.json
