plan gpt.json --gpus 8
