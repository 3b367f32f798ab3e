why tp=2,pp=5 --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 8
