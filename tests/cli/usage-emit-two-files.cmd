emit --to megatron a.json b.json
