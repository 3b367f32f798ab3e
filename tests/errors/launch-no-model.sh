pretrain_gpt.py --micro-batch-size 1
