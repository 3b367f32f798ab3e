graph data/plan.json -o {tmp}/none/graph.svg
