estimate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 30 --strategy tp=30 --global-batch 60
