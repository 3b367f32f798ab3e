graph data/plan.json
