inspect cluster data/cluster.json
