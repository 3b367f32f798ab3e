calibrate --samples data/nccl-tests.txt --cluster data/cluster.json --runtime data/runtime.json
