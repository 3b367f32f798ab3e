schedule --model data/model.json --cluster data/cluster.json --runtime data/split.json --gpus 12 --global-batch 48 --strategy tp=2,pp=2,mbs=2,schedule=chimera
