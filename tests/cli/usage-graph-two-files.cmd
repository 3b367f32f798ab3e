graph data/plan.json data/plan.json --json
