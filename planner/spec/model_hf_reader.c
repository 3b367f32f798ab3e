#include "planner/spec/model_hf_reader.h"

#include <string.h>

/** Follows "attn_config.kv_n_heads"; marks each step as read. A null is returned as such. */
static const cJSON *follow(MppHf *hf, const cJSON *object, const char *path)
{
    g_auto(GStrv) steps = g_strsplit(path, ".", -1);
    const cJSON *node = object;
    for (int i = 0; node && steps[i]; i++) {
        node = mpp_json_get(node, steps[i]);
        if (node)
            g_hash_table_add(hf->read, (gpointer)node);
    }
    return node;
}

static const cJSON *get_in(MppHf *hf, const cJSON *object, const char *keys)
{
    g_auto(GStrv) spellings = g_strsplit(keys, "|", -1);
    const cJSON *found = NULL;
    for (int i = 0; spellings[i]; i++) {
        const cJSON *node = follow(hf, object, spellings[i]);
        if (!found && node && !cJSON_IsNull(node))
            found = node;
    }
    return found;
}

const cJSON *mpp_hf_get(MppHf *hf, const char *keys)
{
    return get_in(hf, hf->object, keys);
}

void mpp_hf_wrong(MppHf *hf, const cJSON *node, const char *expected)
{
    if (hf->error)
        return;
    g_autofree char *got = mpp_json_describe(node);
    mpp_json_error(&hf->error, hf->json, node, MPP_ERROR_SCHEMA, "expected %s, got %s", expected, got);
}

void mpp_hf_unsupported(MppHf *hf, const cJSON *node, const char *format, ...)
{
    if (hf->error)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    mpp_json_error(&hf->error, hf->json, node, MPP_ERROR_UNSUPPORTED, "%s", message);
}

int64_t mpp_hf_int(MppHf *hf, const char *keys, const MppFields *fields, const char *field, int64_t fallback)
{
    const cJSON *node = mpp_hf_get(hf, keys);
    if (!node)
        return fallback;
    const MppField *row = mpp_fields_find(fields, field);
    double value = node->valuedouble;
    if (cJSON_IsNumber(node) && value >= row->min && value <= row->max && floor(value) == value)
        return (int64_t)value;
    g_autofree char *expected = g_strdup_printf("an integer from %.15g to %.15g", row->min, row->max);
    mpp_hf_wrong(hf, node, expected);
    return fallback;
}

bool mpp_hf_bool(MppHf *hf, const char *keys, bool fallback)
{
    const cJSON *node = mpp_hf_get(hf, keys);
    if (!node)
        return fallback;
    if (!cJSON_IsBool(node))
        mpp_hf_wrong(hf, node, "true or false");
    return cJSON_IsTrue(node);
}

const char *mpp_hf_string(MppHf *hf, const char *keys, const char *fallback)
{
    const cJSON *node = mpp_hf_get(hf, keys);
    if (!node)
        return fallback;
    if (!cJSON_IsString(node)) {
        mpp_hf_wrong(hf, node, "a string");
        return fallback;
    }
    return node->valuestring;
}

typedef struct {
    const char *field, *keys;
} Spelling;

/** Reads each row's field of @fields into @out. */
static void read_ints(MppHf *hf, const MppFields *fields, void *out, const Spelling *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++) {
        int64_t *value = (int64_t *)((char *)out + mpp_fields_find(fields, rows[i].field)->offset);
        *value = mpp_hf_int(hf, rows[i].keys, fields, rows[i].field, *value);
    }
}

void mpp_hf_sizes(MppHf *hf)
{
    static const Spelling sizes[] = {
        { "layers", "num_hidden_layers|n_layer|n_layers|num_layers" },
        { "hidden", "hidden_size|n_embd|n_embed|d_model" },
        { "heads", "num_attention_heads|n_head|n_heads|num_heads" },
        { "kv_heads", "num_key_value_heads|num_kv_heads|n_head_kv|attn_config.kv_n_heads" },
        { "head_dim", "head_dim|d_kv|attention_head_dim" },
        { "ffn", "intermediate_size|n_inner|ffn_dim|d_ff|ffn_hidden_size" },
        { "vocab", "vocab_size" },
        { "max_seq", "max_position_embeddings|n_positions|max_seq_len|seq_length|n_ctx" },
    };
    MppModel *model = hf->model;
    read_ints(hf, &mpp_model_fields, model, sizes, G_N_ELEMENTS(sizes));
    const cJSON *of_wrapper = get_in(hf, hf->json->root, "tie_word_embeddings");
    model->tied_embeddings = mpp_hf_bool(hf, "tie_word_embeddings",
                                         of_wrapper ? cJSON_IsTrue(of_wrapper) : model->tied_embeddings);
}

/** Dense layers between those with experts can only be leading ones, or regular by decoder_sparse_step. */
static void read_dense_layers(MppHf *hf, const MppFields *fields)
{
    MppMoe *moe = &hf->model->moe;
    moe->leading_dense_layers = mpp_hf_int(hf, "first_k_dense_replace", fields, "leading_dense_layers", 0);
    moe->every = mpp_hf_int(hf, "decoder_sparse_step", fields, "every", 1);
    const cJSON *frequency = mpp_hf_get(hf, "moe_layer_freq");
    if (frequency && !(cJSON_IsNumber(frequency) && frequency->valuedouble == 1))
        mpp_hf_unsupported(hf, frequency, "a moe_layer_freq other than 1 is not modelled");
    const cJSON *item, *dense = mpp_hf_get(hf, "mlp_only_layers");
    if (dense && !cJSON_IsArray(dense))
        mpp_hf_wrong(hf, dense, "an array of integers");
    cJSON_ArrayForEach(item, dense) {
        if (!cJSON_IsNumber(item) || item->valuedouble != (double)moe->leading_dense_layers || moe->every > 1) {
            mpp_hf_unsupported(hf, dense, "dense layers other than the first ones are not modelled");
            return;
        }
        moe->leading_dense_layers++;
    }
}

void mpp_hf_experts(MppHf *hf)
{
    static const Spelling sizes[] = {
        { "experts", "num_local_experts|num_experts|n_routed_experts|num_routed_experts|ffn_config.moe_num_experts" },
        { "topk", "num_experts_per_tok|experts_per_token|ffn_config.moe_top_k" },
        { "ffn", "moe_intermediate_size|ffn_config.ffn_hidden_size" },
        { "shared_experts", "n_shared_experts|num_shared_experts" },
        { "shared_ffn", "shared_expert_intermediate_size|moe_shared_expert_intermediate_size" },
    };
    MppModel *model = hf->model;
    MppMoe *moe = &model->moe;
    const MppFields *fields = mpp_fields_find(&mpp_model_fields, "moe")->table;
    read_ints(hf, fields, moe, sizes, G_N_ELEMENTS(sizes));
    if (moe->shared_ffn && !moe->shared_experts)
        moe->shared_experts = 1;
    if (!moe->ffn)
        moe->ffn = model->ffn;
    read_dense_layers(hf, fields);
    if (!moe->leading_dense_layers && moe->every == 1)
        model->ffn = 0;
}

/** Reads layer_types; every n-th layer may be full, the others have the window or the ssm. */
static void read_layer_types(MppHf *hf, const cJSON *types)
{
    MppModel *model = hf->model;
    int64_t n = 0, first_full = 0, n_full = 0;
    if (!cJSON_IsArray(types)) {
        mpp_hf_wrong(hf, types, "an array of layer types");
        return;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, types) {
        const char *type = cJSON_IsString(item) ? item->valuestring : "";
        bool full = strcmp(type, "full_attention") == 0;
        if (!full && strcmp(type, model->ssm.heads ? "linear_attention" : "sliding_attention") != 0) {
            mpp_hf_unsupported(hf, item, "this type of layer is not modelled; known: full_attention, %s",
                               model->ssm.heads ? "linear_attention" : "sliding_attention");
            return;
        }
        n++;
        n_full += full;
        first_full = full && !first_full ? n : first_full;
        if (first_full && full != (n % first_full == 0)) {
            mpp_hf_unsupported(hf, item, "layers of full attention that are not each n-th are not modelled");
            return;
        }
    }
    if (model->layers && n != model->layers && !hf->error)
        mpp_json_error(&hf->error, hf->json, types, MPP_ERROR_SCHEMA,
                       "expected as many layer types as layers (%" G_GINT64_FORMAT "), got %" G_GINT64_FORMAT,
                       model->layers, n);
    model->full_attention_every = first_full ? first_full : 1;
    if (n_full == n)
        model->window = 0;
}

void mpp_hf_windows(MppHf *hf, int64_t window, int64_t every)
{
    MppModel *model = hf->model;
    bool is_null = cJSON_IsNull(mpp_json_get(hf->object, "sliding_window"));
    model->window = mpp_hf_int(hf, "sliding_window", &mpp_model_fields, "window", is_null ? 0 : window);
    model->full_attention_every = mpp_hf_int(hf, "sliding_window_pattern|_sliding_window_pattern|full_attention_interval", &mpp_model_fields,
                                             "full_attention_every", every);
    const cJSON *types = mpp_hf_get(hf, "layer_types");
    if (types)
        read_layer_types(hf, types);
    if (model->window >= model->max_seq)
        model->window = 0;
    if (!model->window && !model->ssm.heads)
        model->full_attention_every = 1;
}

bool mpp_hf_is_architecture(MppHf *hf, const char *suffix)
{
    const cJSON *first = cJSON_GetArrayItem(mpp_json_get(hf->json->root, "architectures"), 0);
    return cJSON_IsString(first) && g_str_has_suffix(first->valuestring, suffix);
}
