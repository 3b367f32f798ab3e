emit --to pytorch data/plan-sharded.json
