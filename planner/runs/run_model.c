#include "planner/runs/run_model.h"

#include <math.h>
#include <string.h>

#include "planner/spec/zoo.h"

/* --- by sizes --- */

/** Numbers behind words like "MLA(q_lora 1536,kv_lora 512,rope 64)"; DeepSeek's head sizes where none is stated. */
static void fill_mla(const MppRun *run, MppModel *model)
{
    enum { MOST_RANK = 1 << 20 };
    const cJSON *mla = mpp_run_get(run, "model", "mla");
    bool named = run->model.attention_type && strstr(run->model.attention_type, "MLA");
    bool listed = cJSON_IsObject(mla);
    if (!listed && !named)
        return;
    const cJSON *q_lora = mpp_json_get(mla, "q_lora_rank");
    int64_t stated = cJSON_IsNumber(q_lora) ? (int64_t)CLAMP(q_lora->valuedouble, 0, MOST_RANK) : 0;
    model->mla = (MppMla){ .q_lora_rank = listed ? stated : 1536,
                           .kv_lora_rank = 512,
                           .qk_nope_head_dim = 128,
                           .qk_rope_head_dim = 64,
                           .v_head_dim = 128 };
    model->kv_heads = model->heads;
}

/** Heads where none are stated: nearest to 128 wide, so that tensor-parallel ranks have whole ones. */
static int64_t usual_heads(int64_t hidden, int64_t tp)
{
    const double usual_width = 128;
    int64_t heads = 0;
    double least = INFINITY;
    for (int64_t n = MAX(tp, 1); n <= hidden; n += MAX(tp, 1)) {
        double off = fabs(log((double)hidden / n / usual_width));
        if (hidden % n == 0 && off < least) {
            heads = n;
            least = off;
        }
    }
    return heads;
}

static void encoder(MppModel *model)
{
    model->kind = MPP_MODEL_ENCODER;
    model->head = MPP_HEAD_MASKED_LM;
}

static void parallel(MppModel *model)
{
    model->positions = MPP_POSITIONS_ROTARY;
    model->parallel_block = true;
}

static void parallel_without_biases(MppModel *model)
{
    parallel(model);
    model->qkv_bias = model->output_bias = model->mlp_bias = false;
}

static void normed_queries(MppModel *model)
{
    model->qk_norm_dim = model->head_dim ? model->head_dim : model->hidden / model->heads;
}

static void sinks_and_biases(MppModel *model)
{
    model->attention_sinks = model->qkv_bias = model->output_bias = model->moe.router_bias = model->moe.expert_bias = true;
}

/** What families have beside the sizes that records state, by words in their models' names. */
static void fill_family(const char *name, MppModel *model)
{
    static const struct { const char *word; void (*fill)(MppModel *model); } families[] = {
        { "BERT", encoder },
        { "NeoX", parallel }, /* arXiv:2204.06745 §2.1 */
        { "Pythia", parallel }, /* arXiv:2304.01373 §2 */
        { "GPT-J", parallel },
        { "Falcon", parallel_without_biases }, /* arXiv:2311.16867 §4 */
        { "Qwen3", normed_queries }, /* arXiv:2505.09388 §2 */
        { "GPT OSS", sinks_and_biases }, /* arXiv:2508.10925 */
    };
    for (size_t i = 0; name && i < G_N_ELEMENTS(families); i++)
        if (strstr(name, families[i].word))
            families[i].fill(model);
}

static void fill(const MppRun *run, MppModel *model)
{
    enum { GPT2_VOCAB = 50257, WINDOW = 128 };
    const MppRunModel *from = &run->model;
    mpp_fields_default(&mpp_model_fields, model);
    model->name = g_strdup(from->name ? from->name : "unnamed");
    model->layers = from->layers;
    model->hidden = from->hidden;
    model->heads = from->heads ? from->heads : usual_heads(from->hidden, run->parallel.tp);
    model->kv_heads = from->kv_heads;
    model->head_dim = from->head_dim;
    model->ffn = from->ffn;
    model->vocab = from->vocab ? from->vocab : GPT2_VOCAB;
    model->max_seq = from->seq;
    model->gated_mlp = from->gated_mlp;
    model->tied_embeddings = from->tied_embeddings;
    if (!from->gated_mlp) { /* of the GPT and BERT era */
        model->norm = MPP_NORM_LAYER;
        model->positions = MPP_POSITIONS_LEARNED;
        model->qkv_bias = model->output_bias = model->mlp_bias = true;
    }
    if (from->experts) {
        model->moe.experts = from->experts;
        model->moe.topk = from->topk;
        model->moe.ffn = from->moe_ffn ? from->moe_ffn : from->ffn;
        model->moe.shared_experts = from->shared_experts;
        model->moe.leading_dense_layers = from->dense_layers_first;
    }
    if (from->attention_type && strstr(from->attention_type, "sliding window")) {
        model->window = WINDOW;
        model->full_attention_every = 2;
    }
    if (from->pattern) {
        model->pattern = g_strdup(from->pattern);
        model->layers = from->layers ? from->layers : (int64_t)strlen(from->pattern);
        model->ssm = mpp_ssm_usual(from->hidden);
    }
    fill_mla(run, model);
    fill_family(from->name, model);
}

/** The first size that a transformer needs and the record does not state. */
static const char *missing_size(const MppRunModel *from)
{
    return !from->layers && !from->pattern ? "layers"
           : !from->hidden                 ? "hidden"
           : !from->ffn && !from->moe_ffn ? "ffn"
                                          : NULL;
}

static void note_sizes(const MppRunModel *from, const MppModel *model, GPtrArray *assumed)
{
    if (!from->heads)
        mpp_runs_assume(assumed, "%" G_GINT64_FORMAT " heads", model->heads);
    if (!from->vocab)
        mpp_runs_assume(assumed, "vocabulary of %" G_GINT64_FORMAT, model->vocab);
}

static MppModel *described(const MppRun *run, GPtrArray *assumed, char **skipped)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppModel) model = g_new0(MppModel, 1);
    fill(run, model);
    if (mpp_model_finish(model, NULL, NULL, &error)) {
        note_sizes(&run->model, model, assumed);
        return g_steal_pointer(&model);
    }
    *skipped = g_strdup(error->message);
    return NULL;
}

/* --- by name --- */

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == ' ';
}

/** Whether @text begins with @name, separators aside, and its number ends there. */
static bool begins_with(const char *text, const char *name)
{
    for (; *name; text++, name++) {
        while (is_separator(*name))
            name++;
        while (is_separator(*text))
            text++;
        if (g_ascii_tolower(*text) != *name)
            return false;
    }
    return !g_ascii_isalnum(*text) && *text != '.';
}

static bool names_model(const char *text, const char *name)
{
    for (const char *at = text; *at; at++)
        if ((at == text || is_separator(at[-1])) && begins_with(at, name))
            return true;
    return false;
}

/** "gpt" and the like say nothing of the size. */
static bool names_a_size(const char *name)
{
    return strpbrk(name, "0123456789-");
}

/** The longest built-in name in the record's, or NULL. */
static char *name_in_zoo(const MppRunModel *from)
{
    g_autoptr(GPtrArray) known = mpp_zoo_list(MPP_ZOO_MODELS);
    const char *longest = NULL;
    for (guint i = 0; from->name && i < known->len; i++) {
        const char *name = known->pdata[i];
        if (names_a_size(name) && names_model(from->name, name) && (!longest || strlen(name) > strlen(longest)))
            longest = name;
    }
    return g_strdup(longest);
}

/** The first stated size that is not the model's, or NULL. */
static const char *other_size(const MppRunModel *from, const MppModel *model)
{
    const struct { const char *name; int64_t stated, known; } sizes[] = {
        { "layers", from->layers, model->n_layers },      { "hidden", from->hidden, model->hidden },
        { "heads", from->heads, model->heads },           { "kv_heads", from->kv_heads, model->kv_heads },
        { "experts", from->experts, model->moe.experts }, { "topk", from->topk, model->moe.topk },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        if (sizes[i].stated && sizes[i].stated != sizes[i].known)
            return sizes[i].name;
    return NULL;
}

static MppModel *named(const MppRunModel *from, GPtrArray *assumed, char **skipped)
{
    g_autofree char *name = name_in_zoo(from);
    g_autoptr(MppModel) model = name ? mpp_zoo_model(name, NULL) : NULL;
    const char *other = model ? other_size(from, model) : NULL;
    if (other)
        *skipped = g_strdup_printf("model.%s is not that of %s, whose name it has", other, name);
    if (!model || other)
        return NULL;
    mpp_runs_assume(assumed, "sizes of %s", name);
    return g_steal_pointer(&model);
}

MppModel *mpp_run_model(const MppRun *run, GPtrArray *assumed, char **skipped)
{
    const MppRunModel *from = &run->model;
    bool transformer = !from->family || strcmp(from->family, "dense") == 0 || strcmp(from->family, "moe") == 0;
    bool hybrid = from->family && strcmp(from->family, "hybrid-mamba") == 0;
    const char *missing = hybrid && !from->pattern ? "pattern" : missing_size(from);
    if ((transformer || hybrid) && !missing)
        return described(run, assumed, skipped);
    MppModel *model = named(from, assumed, skipped);
    if (!model && !*skipped)
        *skipped = transformer || hybrid ? g_strdup_printf("model.%s is not stated", missing)
                               : g_strdup_printf("model family %s is not modelled", from->family);
    return model;
}
