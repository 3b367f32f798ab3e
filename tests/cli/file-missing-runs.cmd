compare none/runs.jsonl
