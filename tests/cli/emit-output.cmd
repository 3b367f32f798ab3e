emit --to deepspeed data/plan-sharded.json -o {tmp}/ds.json
