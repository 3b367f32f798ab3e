inspect device data/chip.json
