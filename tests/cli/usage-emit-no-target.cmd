emit data/plan.json
