emit --to megatron-bridge data/plan.json
