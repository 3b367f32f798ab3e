estimate --model data/experts.json --cluster data/cluster.json --runtime data/runtime.json --gpus 12 --global-batch 48 --strategy ep=4,mbs=2
