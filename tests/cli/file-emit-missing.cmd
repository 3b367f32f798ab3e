emit --to megatron data/none.json
