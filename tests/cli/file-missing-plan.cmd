estimate none/plan.json
