plan --gpus 8 -h
