sweep --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 8 mbs=1,2 --json --strategy tp=2,pp=2
