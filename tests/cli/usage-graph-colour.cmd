graph data/plan.json -o {tmp}/picture.svg --color speed
