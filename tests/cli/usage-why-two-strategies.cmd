why tp=2 tp=4 --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 8
