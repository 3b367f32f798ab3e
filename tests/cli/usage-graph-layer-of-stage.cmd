graph data/plan.json --json --stage 1 --layer 1
