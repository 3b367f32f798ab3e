plann --model gpt.json --gpus 8
