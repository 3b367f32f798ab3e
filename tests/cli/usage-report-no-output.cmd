report data/plan.json
