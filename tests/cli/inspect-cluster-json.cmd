inspect cluster data/cluster.json --json
