/**
 * Matrix products by cuBLASLt. What it recommends for a layout is asked once and kept.
 */
#include <glib.h>
#include <string.h>

#include "validate/cuda/cuda.h"
#include "validate/cuda/cuda_layout.h"

enum { WORKSPACE_BYTES = 32 << 20 }; /* what cuBLAS takes by itself on Hopper (cuBLAS documentation, cublasSetWorkspace) */

struct MppCudaProducts {
    cublasLtHandle_t handle;
    void *workspace;
    GHashTable *plans; /* MppCudaLayout → Plan */
};

typedef struct {
    MppCudaLayout layout; /* first: the key points here */
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t left, right, out;
    cublasLtMatmulAlgo_t algorithm;
} Plan;

static bool check(MppBackendState *s, cublasStatus_t status, const char *what)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        mpp_cuda_fail(s, "matrix product: %s: %s", what, cublasLtGetStatusString(status));
    return status == CUBLAS_STATUS_SUCCESS;
}

static guint hash_layout(gconstpointer key)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(key, sizeof(MppCudaLayout));
    return g_bytes_hash(bytes);
}

static gboolean equal_layouts(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(MppCudaLayout)) == 0;
}

static void free_plan(gpointer data)
{
    Plan *plan = data;
    cublasLtMatrixLayout_t layouts[] = { plan->left, plan->right, plan->out };
    for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++)
        if (layouts[i])
            cublasLtMatrixLayoutDestroy(layouts[i]);
    if (plan->product)
        cublasLtMatmulDescDestroy(plan->product);
    g_free(plan);
}

bool mpp_cuda_products_open(MppBackendState *s)
{
    s->products = g_new0(MppCudaProducts, 1);
    s->products->plans = g_hash_table_new_full(hash_layout, equal_layouts, NULL, free_plan);
    return check(s, cublasLtCreate(&s->products->handle), "library") &&
           mpp_cuda_check(s, cudaMalloc(&s->products->workspace, WORKSPACE_BYTES), "work space of matrix products");
}

void mpp_cuda_products_close(MppBackendState *s)
{
    if (!s->products)
        return;
    g_hash_table_unref(s->products->plans);
    cudaFree(s->products->workspace);
    if (s->products->handle)
        cublasLtDestroy(s->products->handle);
    g_free(s->products);
}

static bool describe_operand(MppBackendState *s, const MppCudaOperand *operand, cublasLtMatrixLayout_t *layout)
{
    cudaDataType type = operand->element == MPP_ELEMENT_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    return check(s,
                 cublasLtMatrixLayoutCreate(layout, type, (uint64_t)operand->rows, (uint64_t)operand->columns, operand->stride),
                 "layout");
}

static bool transpose(MppBackendState *s, Plan *plan, cublasLtMatmulDescAttributes_t which, int32_t transposed)
{
    cublasOperation_t operation = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    return check(s, cublasLtMatmulDescSetAttribute(plan->product, which, &operation, sizeof operation), "description");
}

/** Products of F32 are computed in F32, not TF32: numerics are compared in it. */
static bool describe(MppBackendState *s, Plan *plan)
{
    return check(s, cublasLtMatmulDescCreate(&plan->product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "description") &&
           transpose(s, plan, CUBLASLT_MATMUL_DESC_TRANSA, plan->layout.left.transposed) &&
           transpose(s, plan, CUBLASLT_MATMUL_DESC_TRANSB, plan->layout.right.transposed) &&
           describe_operand(s, &plan->layout.left, &plan->left) && describe_operand(s, &plan->layout.right, &plan->right) &&
           describe_operand(s, &plan->layout.out, &plan->out);
}

/** What algorithms may rely on: work space, and the alignment of the addresses. */
static bool prefer(MppBackendState *s, const Plan *plan, cublasLtMatmulPreference_t preference)
{
    const MppCudaLayout *l = &plan->layout;
    const struct {
        cublasLtMatmulPreferenceAttributes_t attribute;
        int64_t bytes;
    } alignments[] = {
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, l->left.alignment_bytes },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, l->right.alignment_bytes },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, l->out.alignment_bytes },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, l->out.alignment_bytes },
    };
    const uint64_t bytes = WORKSPACE_BYTES;
    bool good = check(
        s, cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes),
        "preference");
    for (size_t i = 0; good && i < G_N_ELEMENTS(alignments); i++) {
        const uint32_t wanted = (uint32_t)alignments[i].bytes;
        good = check(s, cublasLtMatmulPreferenceSetAttribute(preference, alignments[i].attribute, &wanted, sizeof wanted),
                     "preference");
    }
    return good;
}

static bool choose(MppBackendState *s, Plan *plan)
{
    cublasLtMatmulPreference_t preference;
    if (!check(s, cublasLtMatmulPreferenceCreate(&preference), "preference"))
        return false;
    cublasLtMatmulHeuristicResult_t found = { 0 };
    int n = 0;
    bool good = prefer(s, plan, preference) &&
                check(s,
                      cublasLtMatmulAlgoGetHeuristic(s->products->handle, plan->product, plan->left, plan->right, plan->out,
                                                     plan->out, preference, 1, &found, &n),
                      "algorithm");
    cublasLtMatmulPreferenceDestroy(preference);
    if (good && n == 0)
        mpp_cuda_fail(s, "matrix product: no algorithm for %lld x %lld", (long long)plan->layout.out.columns,
                      (long long)plan->layout.out.rows);
    plan->algorithm = found.algo;
    return good && n > 0;
}

static const Plan *plan_of(MppBackendState *s, const MppCudaLayout *layout)
{
    Plan *plan = g_hash_table_lookup(s->products->plans, layout);
    if (plan)
        return plan;
    plan = g_new0(Plan, 1);
    plan->layout = *layout;
    if (!describe(s, plan) || !choose(s, plan)) {
        free_plan(plan);
        return NULL;
    }
    g_hash_table_insert(s->products->plans, &plan->layout, plan);
    return plan;
}

void mpp_cuda_matmul(MppBackendState *s, MppTensor c, MppTensor a, bool a_transposed, MppTensor b, bool b_transposed,
                     bool accumulate)
{
    if (mpp_cuda_failed(s) || c.rows == 0 || c.columns == 0)
        return;
    if ((a_transposed ? a.rows : a.columns) == 0) {
        if (!accumulate)
            mpp_cuda_fill(s, c, 0);
        return;
    }
    MppCudaLayout layout = mpp_cuda_layout(c, a, a_transposed, b, b_transposed);
    const Plan *plan = plan_of(s, &layout);
    const float one = 1, kept = accumulate;
    if (plan)
        check(s,
              cublasLtMatmul(s->products->handle, plan->product, &one, b.data, plan->left, a.data, plan->right, &kept, c.data,
                             plan->out, c.data, plan->out, &plan->algorithm, s->products->workspace, WORKSPACE_BYTES, s->stream),
              "run");
}
