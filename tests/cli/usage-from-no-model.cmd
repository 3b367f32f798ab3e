estimate --gpus 8 --from-deepspeed data/ds.json
