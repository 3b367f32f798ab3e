simulate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 12 --global-batch 48 --strategy tp=2,pp=3,mbs=2,sp,zero=1,recompute=selective --jitter 0.1 --detail
