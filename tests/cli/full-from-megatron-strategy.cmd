estimate --cluster data/cluster.json --runtime data/runtime.json --from-megatron data/launch.sh --strategy pp=2,tp=2,recompute=none
