estimate --from-deepspeed data/none.json
