estimate --cluster data/cluster.json --runtime data/runtime.json --from-megatron data/launch.sh
