estimate --cluster data/cluster.json --from-torchtitan data/titan.toml
