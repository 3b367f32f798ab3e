estimate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 8 --strategy dp=1048576,tp=1,pp=1048576,cp=1048576
