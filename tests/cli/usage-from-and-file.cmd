estimate --from-megatron x data/plan.json
