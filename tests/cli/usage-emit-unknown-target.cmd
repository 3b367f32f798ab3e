emit --to megatorn data/plan.json
