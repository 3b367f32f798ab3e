emit --to megatron
