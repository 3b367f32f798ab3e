estimate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 8 --target-seq 11 --strategy dp=8
