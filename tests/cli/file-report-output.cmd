report data/plan.json -o {tmp}/none/page.html
