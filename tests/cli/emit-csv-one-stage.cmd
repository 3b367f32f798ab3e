emit --to pytorch-csv data/plan-sharded.json
