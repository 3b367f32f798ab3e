pretrain_gpt.py --num-layers $LAYERS --hidden-size 768 --num-attention-heads 12 --seq-length 1024 --micro-batch-size 1
