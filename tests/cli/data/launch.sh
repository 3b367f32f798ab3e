#!/bin/bash
# A launch as people write them: variables, arrays, options that say nothing of speed.
TP=2
GPUS_PER_NODE=6
MODEL_ARGS=(
    --num-layers 12 --hidden-size 2160 --num-attention-heads 30 --group-query-attention --num-query-groups 6
    --ffn-hidden-size 5760 --swiglu --normalization RMSNorm --disable-bias-linear --position-embedding-type rope
    --untie-embeddings-and-output-weights --vocab-size 32003 --seq-length 1536 --max-position-embeddings 1536
)
PARALLEL_ARGS=(
    --tensor-model-parallel-size $TP --pipeline-model-parallel-size ${PP:-3} --sequence-parallel
    --use-distributed-optimizer --recompute-granularity full --recompute-method uniform --recompute-num-layers 1
)
torchrun --nproc-per-node $GPUS_PER_NODE --nnodes 2 pretrain_gpt.py "${MODEL_ARGS[@]}" "${PARALLEL_ARGS[@]}" \
    --micro-batch-size 1 --global-batch-size 48 --bf16 --attention-dropout 0 --hidden-dropout 0 \
    --lr 3e-4 --data-path /data/a /data/b --save-interval 1000
