emit --to torchtitan-toml data/plan-titan.json
