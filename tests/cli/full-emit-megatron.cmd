emit --to megatron data/plan.json
