plan --model none/model.json --gpus 8
