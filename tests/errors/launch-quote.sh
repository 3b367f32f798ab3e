pretrain_gpt.py --num-layers '12
