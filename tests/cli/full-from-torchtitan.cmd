estimate --cluster data/cluster.json --runtime data/runtime.json --from-torchtitan data/titan.toml
