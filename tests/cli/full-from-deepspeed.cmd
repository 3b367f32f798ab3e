estimate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 12 --from-deepspeed data/ds.json
