emit --to deepspeed data/plan.json
