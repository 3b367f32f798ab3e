emit --to pytorch-csv data/plan.json
