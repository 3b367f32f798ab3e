estimate --from-megatron x --from-deepspeed y
