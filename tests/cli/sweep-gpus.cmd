sweep --model data/model.json --cluster data/cluster.json --runtime data/runtime.json gpus=1..12 --global-batch 48 --tokens 3B
