/**
 * Layers that carry a matrix a head along the sequence instead of attending to all of it.
 *
 * Both kinds are trained by chunks: within a chunk as products between its tokens, and between chunks by the state,
 * which is made of each chunk's tokens and read by the next one's. Mamba-2: arXiv:2405.21060 section 6 (6.1 diagonal
 * blocks, 6.2 low-rank blocks, 6.3 cost), a product a term. Gated delta rule: arXiv:2412.06464 section 3.3 (chunks with
 * the WY form of products of Householder-like matrices). Split over tp by heads and groups; over cp by an all-to-all from
 * parts of the sequence to parts of the heads and back (Megatron-LM core/ssm/mamba_context_parallel.py). Kernels and
 * what is kept: mamba_ssm ops/triton/ssd_combined.py (MambaSplitConv1dScanCombinedFn), fla ops/gated_delta_rule/chunk.py.
 */
#include "planner/ops/parts.h"
#include "planner/spec/model_params.h"

/** A rank's part. Counts of heads and groups are of the time in which it has its own part of the sequence. */
typedef struct {
    const MppSsm *ssm;
    MppSsmWidths widths;
    double heads, groups; /* heads are split over cp while scanned; of a group in several of those parts each has a copy */
    double chunk;         /* tokens */
    double chunks;        /* of its tokens */
    double states;        /* numbers, of all chunks */
} Scan;

static Scan scan_of(const MppOpContext *at)
{
    const MppSsm *ssm = &at->job->model->ssm;
    Scan scan = { .ssm = ssm, .heads = ssm->heads / at->tp, .groups = MAX(ssm->groups / at->tp, (double)at->shard->cp) };
    scan.widths = mpp_ssm_widths(ssm, scan.heads, scan.groups);
    scan.chunk = (double)MIN(ssm->chunk, at->job->training.seq);
    scan.chunks = at->tokens / scan.chunk;
    scan.states = scan.chunks * scan.heads * (double)ssm->state * (double)ssm->head_dim;
    return scan;
}

/** @count products of a chunk each; @shared: heads that have the first operand in common. */
static MppOp *add_products(const MppOpContext *at, MppOps *ops, const char *name, double count, double m, double n, double k,
                           double shared)
{
    MppOp *op = mpp_ops_add_matmul(at, ops, name, m, n, k, false);
    op->count = count;
    op->overlap = shared;
    op->precision = mpp_precision_outside_layers(at->job->training.precision);
    op->parameters = 0;
    return op;
}

/**
 * A token's products of chunks of Q tokens: Q N a group, then Q P + 2 N P a head with states of N by P. The scores of a
 * chunk, its states and their passing are not kept, and the gradients of the decays run the product of the chunk's outputs
 * once more. States are in fp32 between kernels: what the products around their passing write of them has 2 bytes more
 * than the products count, forward and backward; backward states and gradients of them are read and written again for the
 * products that follow.
 */
static void add_mamba2_scan(const MppOpContext *at, MppOps *ops, const Scan *scan)
{
    enum { STATE_BYTES = 4, STEP_BYTES = 4, STEP_KERNELS_BACKWARD = 3 };
    double n = (double)scan->ssm->state, p = (double)scan->ssm->head_dim, q = scan->chunk;
    double count = scan->chunks * scan->heads, shared = scan->heads / scan->groups;

    MppOp *steps = mpp_ops_add_memory(at, ops, "steps and decays", scan->widths.scalars * at->tokens, 0, 0, 1);
    steps->forward_bytes += 2 * STEP_BYTES * scan->widths.scalars * at->tokens; /* both written in fp32 */
    steps->backward_bytes += 4 * STEP_BYTES * scan->widths.scalars * at->tokens;
    steps->backward_kernels = STEP_KERNELS_BACKWARD;
    steps->parameters = 3 * scan->heads;
    steps->remade = true;
    add_products(at, ops, "scores of chunks", scan->chunks * scan->groups, q, q, n, 1)->remade = true;
    add_products(at, ops, "states of chunks", count, n, p, q, shared)->remade = true;
    MppOp *passing = mpp_ops_add_memory(at, ops, "state passing", 0, 0, 0, 1);
    passing->forward_bytes = 2 * STATE_BYTES * scan->states;
    passing->backward_bytes = 4 * STATE_BYTES * scan->states;
    passing->remade = true;
    add_products(at, ops, "outputs of chunks", count, q, p, q, shared)->remade = true;
    MppOp *read = add_products(at, ops, "outputs of states", count, q, p, n, shared);
    read->forward_kernels = 0;                                        /* in the kernel of the former */
    read->kept_bytes = at->tokens * scan->widths.inner * at->element; /* what is read, before the gate */
}

/**
 * A token's products of chunks of C tokens for states of K by V: C (3 K + 2 V) + 3 K V + C C / 3 a head, the last for the
 * inverse of a unit triangle. Keys and queries are normed and repeated for the heads they serve; kept are they, the
 * values and the inverses.
 */
static void add_delta_scan(const MppOpContext *at, MppOps *ops, const Scan *scan)
{
    double key = (double)scan->ssm->state, value = (double)scan->ssm->head_dim, c = scan->chunk;
    double count = scan->chunks * scan->heads, keys = 2 * scan->heads * key * at->tokens;

    MppOp *steps = mpp_ops_add_memory(at, ops, "rates and decays", scan->widths.scalars * at->tokens,
                                      scan->widths.scalars * at->tokens, 0, 4);
    steps->parameters = 2 * scan->heads;
    MppOp *norms = mpp_ops_add_memory(at, ops, "query and key norms", scan->widths.outer * at->tokens, keys, keys, 4);
    norms->kept_bytes = keys * at->element;
    add_products(at, ops, "scores of chunks", count, 2 * c, c, key, 1);
    MppOp *inverse = add_products(at, ops, "inverses of chunks", count, c, c, c / 3, 1);
    inverse->kept_bytes = at->tokens * scan->heads * c * at->element;
    MppOp *changes = add_products(at, ops, "changes of chunks", count, c, key + value, c, 1);
    changes->remade = true;
    changes->kept_bytes = at->tokens * scan->widths.inner * at->element; /* the values */
    add_products(at, ops, "states of chunks", count, key, value, c, 1)->remade = true;
    add_products(at, ops, "outputs of states", count, 2 * c, value, key, 1);
    add_products(at, ops, "outputs of chunks", count, c, value, c, 1);
}

/** To parts of the heads, or back; the sequence, dealt out for causal attention, is put in order. */
static void add_exchange(const MppOpContext *at, MppOps *ops, const char *name, double width, int messages)
{
    enum { COPIES = 3 }; /* by destination, by part, in order */
    if (at->shard->cp == 1)
        return;
    MppOp *op = mpp_ops_add(ops, MPP_OP_COLLECTIVE, name);
    op->axis = MPP_AXIS_CP;
    op->collective = MPP_COLLECTIVE_ALL_TO_ALL;
    op->bytes = at->tokens * width * at->element / messages;
    op->forward_times = messages;
    op->backward_times = messages;
    double elements = COPIES * at->tokens * width;
    mpp_ops_add_memory(at, ops, "sequence in order", elements, elements, 0, COPIES * messages);
}

/** Of each channel over the last tokens, and its activation. */
static void add_convolution(const MppOpContext *at, MppOps *ops, const Scan *scan)
{
    bool mamba2 = scan->ssm->kind == MPP_SSM_MAMBA2;
    MppSsmWidths whole = mpp_ssm_widths(scan->ssm, scan->heads, scan->ssm->groups / at->tp);
    double elements = at->tokens * (scan->widths.inner + scan->widths.outer);
    MppOp *op = mpp_ops_add_memory(at, ops, "convolution", elements, elements, elements, 1);
    op->streaming = MPP_STREAMING_ACTIVATION;
    op->parameters = (whole.inner + whole.outer) * (double)(scan->ssm->conv + mamba2);
    op->remade = mamba2;
    op->kept_bytes = mamba2 ? 0 : elements * at->element; /* its input: Mamba-2 has it with the projection's output */
}

/** Backward one kernel (fla), or one for the gate, which Mamba-2's scan applies, and one for the norm. */
static void add_gated_norm(const MppOpContext *at, MppOps *ops, const Scan *scan)
{
    double elements = at->tokens * scan->widths.inner, again = scan->ssm->kind == MPP_SSM_MAMBA2 ? 3 : 0;
    MppOp *op = mpp_ops_add_memory(at, ops, "gated norm", 2 * elements, elements, (2 + again) * elements, 1);
    op->streaming = MPP_STREAMING_NORM;
    op->backward_kernels = 2;
    op->kept_bytes = elements * (at->element + at->input);
    op->parameters = scan->ssm->kind == MPP_SSM_MAMBA2 ? scan->widths.inner : (double)scan->ssm->head_dim;
}

void mpp_ops_add_ssm(const MppOpContext *at, MppOps *ops)
{
    const MppModel *model = at->job->model;
    Scan scan = scan_of(at);
    bool mamba2 = scan.ssm->kind == MPP_SSM_MAMBA2;
    MppSsmWidths own = mpp_ssm_widths(scan.ssm, scan.heads, scan.ssm->groups / at->tp);
    mpp_ops_add_matmul(at, ops, "ssm input projection", at->tokens, own.projected, model->hidden, false)->kept_bytes =
        at->tokens * scan.widths.projected * at->element;
    add_exchange(at, ops, "heads exchange", scan.widths.projected, mamba2 ? 5 : 1); /* Mamba-2's parts go one by one */
    add_convolution(at, ops, &scan);
    (mamba2 ? add_mamba2_scan : add_delta_scan)(at, ops, &scan);
    add_exchange(at, ops, "sequence exchange", scan.widths.inner, 1);
    add_gated_norm(at, ops, &scan);
    mpp_ops_add_matmul(at, ops, "ssm output projection", at->tokens, model->hidden, scan.widths.inner, false);
}
