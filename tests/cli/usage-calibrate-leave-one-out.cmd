calibrate data/runs.jsonl --leave-one-out {tmp}/unseen.csv
