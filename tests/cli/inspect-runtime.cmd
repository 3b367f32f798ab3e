inspect runtime data/runtime.json
