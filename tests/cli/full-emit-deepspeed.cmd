emit --to deepspeed data/plan-sharded.json
