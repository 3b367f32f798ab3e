simulate --model data/model.json --cluster data/cluster.json --runtime data/runtime.json --gpus 12 --global-batch 48 --strategy tp=1,pp=2,vpp=2,mbs=4 --order data/order.csv
