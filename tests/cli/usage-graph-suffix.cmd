graph data/plan.json -o {tmp}/picture.jpeg
