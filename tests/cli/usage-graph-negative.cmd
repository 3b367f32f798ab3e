graph data/plan.json --json --stage -2
