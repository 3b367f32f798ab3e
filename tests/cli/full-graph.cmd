graph data/plan.json --json
