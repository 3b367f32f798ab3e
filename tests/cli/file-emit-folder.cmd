emit --to deepspeed data/plan-sharded.json -o {tmp}/none/ds.json
