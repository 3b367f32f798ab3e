estimate data/plan.json --ascii
