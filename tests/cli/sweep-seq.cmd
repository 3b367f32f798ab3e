sweep --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 12 seq=2,200,90000 --threads 1
