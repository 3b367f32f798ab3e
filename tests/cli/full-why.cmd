why pp=12,mbs=4 --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 12 --global-batch 48
