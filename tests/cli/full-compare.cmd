compare data/unstated.jsonl
