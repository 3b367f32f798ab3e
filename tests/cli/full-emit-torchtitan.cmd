emit --to torchtitan data/plan-titan.json
