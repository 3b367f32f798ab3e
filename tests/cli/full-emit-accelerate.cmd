emit --to accelerate data/plan-sharded.json
