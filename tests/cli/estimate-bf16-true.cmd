estimate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 8 --strategy dp=8,mbs=1 --precision bf16-true
