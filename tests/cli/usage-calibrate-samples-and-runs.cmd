calibrate a.jsonl --samples b.json
