#include "planner/spec/model_hf.h"

#include <string.h>

#include "planner/spec/model_hf_reader.h"

static const MppHfFamily *const families[] = { mpp_hf_gpt_families, mpp_hf_llama_families, mpp_hf_moe_families,
                                               mpp_hf_encoder_families, mpp_hf_hybrid_families };

/** What no family's reader may pass over, in any kind of model: present and neither null, false, zero nor empty. */
static const struct {
    const char *key, *what;
    bool of_hybrids; /* whose readers read it */
} refused[] = {
    { "logit_scale_init_value", "two towers joined by a contrastive loss" },
    { "depths", "stages of unlike widths (convolutions, shifted windows)" },
    { "full_attention_interval", "linear attention between layers of full attention", true },
    { "linear_num_key_heads", "linear attention", true },
    { "mamba_d_state", "state-space layers", true },
    { "ssm_cfg", "state-space layers" },
    { "compress_ratios", "attention over compressed keys" },
    { "index_topk", "attention to tokens chosen by an indexer" },
    { "hc_mult", "hyper-connections" },
    { "global_head_dim", "heads whose width differs from layer to layer" },
    { "num_kv_shared_layers", "keys and values shared by layers" },
    { "hidden_size_per_layer_input", "an embedding for each layer" },
    { "attention_chunk_size", "attention within chunks" },
};

bool mpp_model_hf_recognise(const MppJson *json)
{
    static const char *const keys[] = { "model_type", "architectures", "text_config", "type_vocab_size", "hidden_size", "n_embd" };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (mpp_json_get(json->root, keys[i]))
            return true;
    return false;
}

static bool is_set(const cJSON *node)
{
    if (cJSON_IsNumber(node))
        return node->valuedouble != 0;
    if (cJSON_IsArray(node))
        return node->child != NULL;
    return node && !cJSON_IsNull(node) && !cJSON_IsFalse(node);
}

static bool is_hybrid(const MppHf *hf)
{
    const cJSON *of_root = mpp_json_get(hf->json->root, "model_type"), *type = mpp_json_get(hf->object, "model_type");
    type = type ? type : of_root;
    for (const MppHfFamily *family = mpp_hf_hybrid_families; cJSON_IsString(type) && family->model_type; family++)
        if (strcmp(family->model_type, type->valuestring) == 0)
            return true;
    return false;
}

static void refuse_keys(MppHf *hf, const cJSON *object)
{
    bool hybrid = is_hybrid(hf);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        const cJSON *node = mpp_json_get(object, refused[i].key);
        if (hybrid && refused[i].of_hybrids)
            continue;
        if (node)
            g_hash_table_add(hf->read, (gpointer)node);
        if (is_set(node))
            mpp_hf_unsupported(hf, node, "not modelled: %s", refused[i].what);
    }
}

static const MppHfFamily *find_family(MppHf *hf, const cJSON *type)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        for (const MppHfFamily *family = families[i]; family->model_type; family++) {
            if (strcmp(family->model_type, type->valuestring) == 0)
                return family;
            g_ptr_array_add(known, (gpointer)family->model_type);
        }
    }
    g_autofree char *nearest = mpp_names_suggest((const char *const *)known->pdata, (int)known->len, type->valuestring);
    mpp_hf_unsupported(hf, type, "model_type \"%s\" is not modelled; known: %s", type->valuestring, nearest);
    return NULL;
}

static const cJSON *read_type(MppHf *hf, const cJSON *object)
{
    const cJSON *type = mpp_json_get(object, "model_type");
    if (type)
        g_hash_table_add(hf->read, (gpointer)type);
    if (type && !cJSON_IsString(type))
        mpp_hf_wrong(hf, type, "a string");
    return type;
}

/** The reader that the file's model_type names; BERT's first files have none. */
static const MppHfFamily *choose_family(MppHf *hf)
{
    const cJSON *of_root = read_type(hf, hf->json->root);
    const cJSON *type = read_type(hf, hf->object);
    type = type ? type : of_root;
    if (hf->error)
        return NULL;
    if (type)
        return find_family(hf, type);
    if (mpp_json_get(hf->object, "type_vocab_size")) {
        g_autoptr(cJSON) bert = cJSON_CreateStringReference("bert");
        return find_family(hf, bert);
    }
    mpp_json_error(&hf->error, hf->json, NULL, MPP_ERROR_SCHEMA,
                   "the key \"model_type\" is missing (which family this is)");
    return NULL;
}

/** Sizes no family has a default for. */
static void require_sizes(MppHf *hf)
{
    const MppModel *model = hf->model;
    const struct {
        bool missing;
        const char *key, *field;
    } rows[] = {
        { !model->layers, "num_hidden_layers", "layers" },
        { !model->hidden, "hidden_size", "hidden" },
        { !model->heads && !model->pattern, "num_attention_heads", "heads" },
        { !model->max_seq, "max_position_embeddings", "max_seq" },
        { !model->ffn && !model->moe.experts && !model->pattern, "intermediate_size", "ffn" },
        { !model->vocab && !model->vision.image_size, "vocab_size", "vocab" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows) && !hf->error; i++)
        if (rows[i].missing)
            mpp_json_error(&hf->error, hf->json, hf->object, MPP_ERROR_SCHEMA, "the key \"%s\" is missing (%s)",
                           rows[i].key, mpp_fields_find(&mpp_model_fields, rows[i].field)->help);
}

/** The file's name, or its folder's when it is called config.json. */
static char *name_of(const MppJson *json)
{
    g_autofree char *base = g_path_get_basename(json->name);
    if (strcmp(base, "config.json") == 0 && strchr(json->name, '/')) {
        g_autofree char *folder = g_path_get_dirname(json->name);
        return g_path_get_basename(folder);
    }
    return g_str_has_suffix(base, ".json") ? g_strndup(base, strlen(base) - strlen(".json")) : g_strdup(base);
}

static void read_all(MppHf *hf)
{
    const cJSON *root = hf->json->root;
    const cJSON *text = mpp_hf_get(hf, "text_config");
    mpp_hf_get(hf, "architectures");
    if (text && !cJSON_IsObject(text))
        mpp_hf_wrong(hf, text, "an object");
    hf->object = cJSON_IsObject(text) ? text : root;
    refuse_keys(hf, root);
    refuse_keys(hf, hf->object);
    const MppHfFamily *family = hf->error ? NULL : choose_family(hf);
    if (!family)
        return;
    mpp_fields_default(&mpp_model_fields, hf->model);
    family->read(hf);
    require_sizes(hf);
    hf->model->name = name_of(hf->json);
    hf->model->source = g_strdup_printf("Hugging Face config.json, model_type %s", family->model_type);
}

bool mpp_model_hf_read(const MppJson *json, MppModel *model, GError **error)
{
    g_autoptr(GHashTable) read = g_hash_table_new(NULL, NULL);
    MppHf hf = { .json = json, .object = json->root, .model = model, .read = read };
    read_all(&hf);
    if (!hf.error)
        return true;
    mpp_fields_clear(&mpp_model_fields, model);
    g_propagate_error(error, hf.error);
    return false;
}

static void list_unread(GHashTable *read, const cJSON *object, const char *pointer, GPtrArray *out)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, object) {
        g_autofree char *own = g_strconcat(pointer, "/", child->string, NULL);
        if (!g_hash_table_contains(read, child))
            g_ptr_array_add(out, g_steal_pointer(&own));
        else if (cJSON_IsObject(child))
            list_unread(read, child, own, out);
    }
}

GPtrArray *mpp_model_hf_passed_over(const MppJson *json)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    if (!mpp_model_hf_recognise(json))
        return out;
    g_autoptr(GHashTable) read = g_hash_table_new(NULL, NULL);
    g_autoptr(MppModel) model = g_new0(MppModel, 1);
    MppHf hf = { .json = json, .object = json->root, .model = model, .read = read };
    read_all(&hf);
    g_clear_error(&hf.error);
    list_unread(read, json->root, "", out);
    return out;
}
