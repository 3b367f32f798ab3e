compare data/runs.jsonl --unseen data/runs.jsonl
