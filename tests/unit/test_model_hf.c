#include "planner/spec/model_hf.h"

#include <gio/gio.h>
#include <string.h>

#include "planner/spec/model_params.h"
#include "tests/support/hf_config.h"


typedef struct {
    const char *label, *config, *brief;
} Reading;

static const Reading readings[] = {
    { "llama: nothing tied, rotary, gated", "{'model_type': 'llama', " USUAL_FFN "}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640}" },
    { "llama: biases, groups, free head width, tied, nulls",
      "{'model_type': 'llama', " USUAL_FFN ", 'num_key_value_heads': 1, 'head_dim': 24, 'attention_bias': true,"
      " 'mlp_bias': true, 'tie_word_embeddings': true, 'rope_scaling': null}",
      READ "'kv_heads':1,'head_dim':24,'ffn':131,'gated_mlp':true,'qkv_bias':true,'output_bias':true,'mlp_bias':true,"
           "'vocab':1009,'max_seq':640,'tied_embeddings':true}" },
    { "mistral: no window given means 4096, more than the positions none", "{'model_type': 'mistral', " USUAL_FFN "}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640}" },
    { "mistral: window", "{'model_type': 'mistral', " USUAL_FFN ", 'sliding_window': 97}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'window':97}" },
    { "mistral: null is no window",
      "{'model_type': 'mistral', " USUAL ", 'intermediate_size': 131, 'max_position_embeddings': 6400,"
      " 'sliding_window': null}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':6400}" },
    { "qwen2: biases of queries, keys and values alone; the window is off",
      "{'model_type': 'qwen2', " USUAL_FFN ", 'sliding_window': 97, 'max_window_layers': 2,"
      " 'use_sliding_window': false}",
      READ "'ffn':131,'gated_mlp':true,'qkv_bias':true,'vocab':1009,'max_seq':640}" },
    { "qwen3: head width of its class, normed", "{'model_type': 'qwen3', " USUAL_FFN "}",
      READ "'head_dim':128,'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'qk_norm_dim':128}" },
    { "phi3: head with a bias", "{'model_type': 'phi3', " USUAL_FFN ", 'lm_head_bias': true, 'sliding_window': 97}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'window':97,'head_bias':true}" },
    { "gemma: tied unless it says", "{'model_type': 'gemma', " USUAL_FFN "}",
      READ "'head_dim':256,'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'tied_embeddings':true}" },
    { "gemma2: every second layer has a window", "{'model_type': 'gemma2', " USUAL_FFN ", 'sliding_window': 97}",
      READ "'head_dim':256,'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'norms_per_layer':4,'window':97,"
           "'full_attention_every':2,'tied_embeddings':true}" },
    { "gemma3: a wrapper leaves out what equals the class",
      "{'model_type': 'gemma3', 'tie_word_embeddings': false, 'vision_config': {'hidden_size': 9},"
      " 'text_config': {'model_type': 'gemma3_text', 'hidden_size': 66, 'num_hidden_layers': 7,"
      " 'sliding_window': 97}}",
      "{'layers':7,'hidden':66,'heads':8,'kv_heads':4,'head_dim':256,'ffn':9216,'gated_mlp':true,'vocab':262208,"
      "'max_seq':131072,'norms_per_layer':4,'qk_norm_dim':256,'window':97,'full_attention_every':6}" },
    { "olmo2: norm over all heads", "{'model_type': 'olmo2', " USUAL_FFN "}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'qk_norm_dim':-1}" },
    { "olmo3: layer types",
      "{'model_type': 'olmo3', " USUAL_FFN ", 'sliding_window': 97, 'layer_types': ['sliding_attention',"
      " 'sliding_attention', 'full_attention', 'sliding_attention', 'sliding_attention', 'full_attention']}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'qk_norm_dim':-1,'window':97,"
           "'full_attention_every':3}" },
    { "gpt2: its own spellings, four times as wide, tied",
      "{'model_type': 'gpt2', 'n_layer': 6, 'n_embd': 66, 'n_head': 3, 'vocab_size': 1009, 'n_positions': 640,"
      " 'n_inner': null}",
      READ "'ffn':264,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,'max_seq':640,"
           "'positions':'learned','norm':'layernorm','tied_embeddings':true}" },
    { "gptj: one norm, parallel, biases of the MLP and the head",
      "{'model_type': 'gptj', 'n_layer': 6, 'n_embd': 66, 'n_head': 3, 'vocab_size': 1009, 'n_positions': 640}",
      READ "'ffn':264,'mlp_bias':true,'vocab':1009,'max_seq':640,'norm':'layernorm','norms_per_layer':1,"
           "'parallel_block':true,'head_bias':true}" },
    { "gpt_neox: serial blocks", "{'model_type': 'gpt_neox', " USUAL_FFN ", 'use_parallel_residual': false}",
      READ "'ffn':131,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,'max_seq':640,"
           "'norm':'layernorm'}" },
    { "opt: two more positions, narrow embedding, norms after the blocks",
      "{'model_type': 'opt', " USUAL ", 'ffn_dim': 131, 'max_position_embeddings': 640, 'word_embed_proj_dim': 22,"
      " 'do_layer_norm_before': false}",
      READ "'ffn':131,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,'embedding_dim':22,'max_seq':640,"
           "'learned_positions':642,'positions':'learned','norm':'layernorm','final_norm':false,"
           "'tied_embeddings':true}" },
    { "bloom: both spellings of the width, no positions, norm after the embedding",
      "{'model_type': 'bloom', 'n_layer': 6, 'n_embed': 66, 'hidden_size': 66, 'n_head': 3, 'vocab_size': 1009}",
      READ "'ffn':264,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,'max_seq':2048,"
           "'positions':'none','norm':'layernorm','embedding_norm':true,'tied_embeddings':true}" },
    { "falcon: one group of keys, one norm", "{'model_type': 'falcon', " USUAL ", 'num_kv_heads': 3}",
      READ "'kv_heads':1,'ffn':264,'vocab':1009,'max_seq':2048,'norm':'layernorm','norms_per_layer':1,"
           "'parallel_block':true,'tied_embeddings':true}" },
    { "falcon: the newer layer", "{'model_type': 'falcon', " USUAL ", 'n_head_kv': 3,"
      " 'new_decoder_architecture': true}",
      READ "'kv_heads':3,'ffn':264,'vocab':1009,'max_seq':2048,'norm':'layernorm','parallel_block':true,"
           "'tied_embeddings':true}" },
    { "falcon: ALiBi, serial, biased",
      "{'model_type': 'falcon', " USUAL ", 'alibi': true, 'parallel_attn': false, 'multi_query': false,"
      " 'bias': true}",
      READ "'kv_heads':3,'ffn':264,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,'max_seq':2048,"
           "'positions':'none','norm':'layernorm','tied_embeddings':true}" },
    { "mpt: nested attention, norms without biases",
      "{'model_type': 'mpt', 'n_layers': 6, 'd_model': 66, 'n_heads': 3, 'vocab_size': 1009, 'max_seq_len': 640,"
      " 'expansion_ratio': 3, 'learned_pos_emb': true, 'attn_config': {'alibi': true,"
      " 'attn_type': 'multiquery_attention'}}",
      READ "'kv_heads':1,'ffn':198,'vocab':1009,'max_seq':640,'positions':'none','norm':'layernorm','norm_bias':false,"
           "'tied_embeddings':true}" },
    { "phi: one norm, parallel, all biased", "{'model_type': 'phi', " USUAL_FFN "}",
      READ "'ffn':131,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,'max_seq':640,'norm':'layernorm',"
           "'norms_per_layer':1,'parallel_block':true,'head_bias':true}" },
    { "starcoder2: layer norms with windows", "{'model_type': 'starcoder2', " USUAL_FFN ","
      " 'sliding_window': 97, 'use_bias': false}",
      READ "'ffn':131,'vocab':1009,'max_seq':640,'norm':'layernorm','window':97,'tied_embeddings':true}" },
    { "mixtral: the MLP's width is the experts'",
      "{'model_type': 'mixtral', " USUAL_FFN ", 'num_local_experts': 7, 'num_experts_per_tok': 2}",
      READ "'ffn':0,'gated_mlp':true,'vocab':1009,'max_seq':640,'moe':{'experts':7,'topk':2,'ffn':131}}" },
    { "qwen2_moe: shared experts with a gate",
      "{'model_type': 'qwen2_moe', " USUAL_FFN ", 'num_experts': 7, 'num_experts_per_tok': 2,"
      " 'moe_intermediate_size': 19, 'shared_expert_intermediate_size': 57, 'decoder_sparse_step': 2}",
      READ "'ffn':131,'gated_mlp':true,'qkv_bias':true,'vocab':1009,'max_seq':640,"
           "'moe':{'experts':7,'topk':2,'ffn':19,'shared_experts':1,'shared_ffn':57,'every':2,'shared_gate':true}}" },
    { "qwen3_moe: the first layers dense",
      "{'model_type': 'qwen3_moe', " USUAL_FFN ", 'head_dim': 24, 'num_experts': 7, 'num_experts_per_tok': 2,"
      " 'moe_intermediate_size': 19, 'mlp_only_layers': [0, 1]}",
      READ "'head_dim':24,'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'qk_norm_dim':24,"
           "'moe':{'experts':7,'topk':2,'ffn':19,'leading_dense_layers':2}}" },
    { "gpt_oss: another spelling of topk, everything biased, every other layer windowed",
      "{'model_type': 'gpt_oss', " USUAL_FFN ", 'num_local_experts': 7, 'experts_per_token': 2}",
      READ "'head_dim':64,'ffn':0,'gated_mlp':true,'qkv_bias':true,'output_bias':true,'vocab':1009,'max_seq':640,"
           "'attention_sinks':true,'window':128,'full_attention_every':2,"
           "'moe':{'experts':7,'topk':2,'ffn':131,'router_bias':true,'expert_bias':true}}" },
    { "dbrx: nested sizes",
      "{'model_type': 'dbrx', 'n_layers': 6, 'd_model': 66, 'n_heads': 3, 'vocab_size': 1009, 'max_seq_len': 640,"
      " 'attn_config': {'kv_n_heads': 1}, 'ffn_config': {'ffn_hidden_size': 19, 'moe_num_experts': 7,"
      " 'moe_top_k': 2}}",
      READ "'kv_heads':1,'ffn':0,'gated_mlp':true,'vocab':1009,'max_seq':640,'norm':'layernorm','norm_bias':false,"
           "'moe':{'experts':7,'topk':2,'ffn':19}}" },
    { "deepseek_v3: latent attention, a renamed count of experts, prediction",
      "{'model_type': 'deepseek_v3', " USUAL_FFN ", 'num_key_value_heads': 3, 'q_lora_rank': 17, 'kv_lora_rank': 11,"
      " 'qk_nope_head_dim': 5, 'qk_rope_head_dim': 3, 'v_head_dim': 4, 'num_routed_experts': 7,"
      " 'num_experts_per_tok': 2,"
      " 'num_shared_experts': 2, 'moe_intermediate_size': 19, 'first_k_dense_replace': 1, 'moe_layer_freq': 1,"
      " 'num_nextn_predict_layers': 1}",
      READ "'kv_heads':3,'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'prediction_layers':1,"
           "'mla':{'q_lora_rank':17,'kv_lora_rank':11,'qk_nope_head_dim':5,'qk_rope_head_dim':3,'v_head_dim':4},"
           "'moe':{'experts':7,'topk':2,'ffn':19,'shared_experts':2,'leading_dense_layers':1,'router_bias':true}}" },
    { "t5: two stacks, not tied in 1.1",
      "{'model_type': 't5', 'num_layers': 6, 'num_decoder_layers': 5, 'd_model': 66, 'num_heads': 3,"
      " 'd_kv': 24, 'd_ff': 131,"
      " 'vocab_size': 1009, 'feed_forward_proj': 'gated-gelu', 'tie_word_embeddings': false}",
      "{'kind':'encoder-decoder','layers':5,'encoder_layers':6,'hidden':66,'heads':3,'head_dim':24,'ffn':131,"
      "'gated_mlp':true,'vocab':1009,'max_seq':512,'positions':'relative','relative_buckets':32}" },
    { "bert: no model_type, a pooler", "{" USUAL_FFN ", 'type_vocab_size': 2}",
      "{'kind':'encoder','layers':6,'hidden':66,'heads':3,'ffn':131,'qkv_bias':true,'output_bias':true,'mlp_bias':true,"
      "'vocab':1009,'max_seq':640,'token_types':2,'positions':'learned','norm':'layernorm','embedding_norm':true,"
      "'final_norm':false,'tied_embeddings':true,'head':'pooler'}" },
    { "vit: classes by their names",
      "{'model_type': 'vit', 'architectures': ['ViTForImageClassification'], 'num_hidden_layers': 6,"
      " 'hidden_size': 66, 'num_attention_heads': 3, 'intermediate_size': 131, 'image_size': 182, 'patch_size': 14,"
      " 'id2label': {'0': 'a', '1': 'b'}}",
      "{'kind':'encoder','layers':6,'hidden':66,'heads':3,'ffn':131,'qkv_bias':true,'output_bias':true,'mlp_bias':true,"
      "'vocab':0,'max_seq':170,'positions':'learned','norm':'layernorm','head':'classifier','classes':2,"
      "'vision':{'image_size':182,'patch_size':14}}" },
};

static void test_reading(const void *data)
{
    const Reading *row = data;
    g_autofree char *brief = hf_config_in_brief(row->config);
    g_assert_cmpstr(brief, ==, row->brief);
}

static const struct {
    const char *config;
    MppError code;
    const char *message; /* its first line, or how it starts if it ends with a comma */
} refusals[] = {
    { "{'model_type': 'llama', 'hidden_size': 'many'}", MPP_ERROR_SCHEMA,
      "c.json:1:40: /hidden_size: expected an integer from 1 to 1048576, got 'many'" },
    { "{'model_type': 'llama', 'hidden_size': 2.385}", MPP_ERROR_SCHEMA,
      "c.json:1:40: /hidden_size: expected an integer from 1 to 1048576, got 2.385" },
    { "{'model_type': 'llama', " USUAL_FFN ",\n'attention_bias': 1}", MPP_ERROR_SCHEMA,
      "c.json:2:19: /attention_bias: expected true or false, got 1" },
    { "{'model_type': 't5', " USUAL_FFN ",\n'feed_forward_proj': []}", MPP_ERROR_SCHEMA,
      "c.json:2:22: /feed_forward_proj: expected a string, got an array" },
    { "{'model_type': 'llama', 'text_config': 7}", MPP_ERROR_SCHEMA,
      "c.json:1:40: /text_config: expected an object, got 7" },
    { "{'model_type': 'qwen3_moe', " USUAL_FFN ",\n'mlp_only_layers': 3}", MPP_ERROR_SCHEMA,
      "c.json:2:20: /mlp_only_layers: expected an array of integers, got 3" },
    { "{'model_type': 7}", MPP_ERROR_SCHEMA, "c.json:1:16: /model_type: expected a string, got 7" },
    { "{'architectures': ['LlamaForCausalLM']}", MPP_ERROR_SCHEMA,
      "c.json:1:1: /: the key 'model_type' is missing (which family this is)" },
    { "{'model_type': 'llama', 'num_hidden_layers': 6}", MPP_ERROR_SCHEMA,
      "c.json:1:1: /: the key 'hidden_size' is missing (width of the residual stream)" },
    { "{'model_type': 'llava', 'text_config': {'model_type': 'llama'}}", MPP_ERROR_SCHEMA,
      "c.json:1:40: /text_config: the key 'num_hidden_layers' is missing "
      "(layers (of the decoder if there are two stacks))" },
    { "{'model_type': 'llama', " USUAL ", 'max_position_embeddings': 640}", MPP_ERROR_SCHEMA,
      "c.json:1:1: /: the key 'intermediate_size' is missing "
      "(width of the MLP (one matrix); 0 if all layers have experts)" },
    { "{'model_type': 'lama'}", MPP_ERROR_UNSUPPORTED,
      "c.json:1:16: /model_type: model_type 'lama' is not modelled; known: llama, " },
    { "{'model_type': 'resnet', 'depths': [3, 4]}", MPP_ERROR_UNSUPPORTED,
      "c.json:1:36: /depths: not modelled: stages of unlike widths (convolutions, shifted windows)" },
    { "{'model_type': 'qwen3_5_moe', 'text_config': {'full_attention_interval': 4}}", MPP_ERROR_UNSUPPORTED,
      "c.json:1:74: /text_config/full_attention_interval: not modelled: linear attention "
      "between layers of full attention" },
    { "{'model_type': 'jamba', 'mamba_d_state': 16}", MPP_ERROR_UNSUPPORTED,
      "c.json:1:42: /mamba_d_state: not modelled: state-space layers" },
    { "{'model_type': 'olmo3', " USUAL_FFN ",\n'layer_types': ['linear_attention']}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:17: /layer_types/0: this type of layer is not modelled; known: full_attention, sliding_attention" },
    { "{'model_type': 'olmo3', " USUAL_FFN ",\n'layer_types': ['full_attention', 'sliding_attention']}",
      MPP_ERROR_UNSUPPORTED,
      "c.json:2:35: /layer_types/1: layers of full attention that are not each n-th are not modelled" },
    { "{'model_type': 'olmo3', " USUAL_FFN ",\n'layer_types': ['full_attention']}", MPP_ERROR_SCHEMA,
      "c.json:2:16: /layer_types: expected as many layer types as layers (6), got 1" },
    { "{'model_type': 'olmo3', " USUAL_FFN ",\n'layer_types': 'full_attention'}", MPP_ERROR_SCHEMA,
      "c.json:2:16: /layer_types: expected an array of layer types, got 'full_attention'" },
    { "{'model_type': 'qwen2', " USUAL_FFN ",\n'max_window_layers': 4, 'use_sliding_window': true}",
      MPP_ERROR_UNSUPPORTED,
      "c.json:2:22: /max_window_layers: layers of full attention before windowed ones are not modelled" },
    { "{'model_type': 'qwen3_moe', " USUAL_FFN ",\n'use_sliding_window': true}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:23: /use_sliding_window: windows of this family are not modelled" },
    { "{'model_type': 'qwen3_moe', " USUAL_FFN ",\n'mlp_only_layers': [3]}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:20: /mlp_only_layers: dense layers other than the first ones are not modelled" },
    { "{'model_type': 'deepseek_v2', " USUAL_FFN ",\n'moe_layer_freq': 2}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:19: /moe_layer_freq: a moe_layer_freq other than 1 is not modelled" },
    { "{'model_type': 'bert', " USUAL_FFN ",\n'position_embedding_type': 'relative_key'}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:28: /position_embedding_type: relative positions of BERT are not modelled" },
};

static void test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
        hf_config_refused(refusals[i].config, refusals[i].code, refusals[i].message);
}

static void test_passed_over(void)
{
    static const struct {
        const char *config, *pointers;
    } rows[] = {
        { "{'model_type': 'llama', " USUAL_FFN ", 'rope_theta': 10000, 'use_cache': true}",
          "/rope_theta /use_cache" },
        { "{'model_type': 'bloom', 'n_layer': 6, 'n_embed': 66, 'hidden_size': 66, 'n_head': 3,"
          " 'vocab_size': 9, 'offset_alibi': 1}",
          "/offset_alibi" },
        { "{'model_type': 'gemma3', 'vision_config': {'a': 1}, 'text_config': {'rope_theta': 1, 'hidden_size': 66}}",
          "/vision_config /text_config/rope_theta" },
        { "{'model_type': 'mpt', 'n_layers': 6, 'd_model': 66, 'n_heads': 3, 'vocab_size': 9, 'max_seq_len': 64,"
          " 'attn_config': {'alibi': true, 'attn_pdrop': 0}}",
          "/attn_config/attn_pdrop" },
        { "{'name': 'ours', 'layers': 3}", "" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppJson) json = hf_config_parse("c.json", rows[i].config);
        g_autoptr(GPtrArray) pointers = mpp_model_hf_passed_over(json);
        g_ptr_array_add(pointers, NULL);
        g_autofree char *joined = g_strjoinv(" ", (char **)pointers->pdata);
        g_assert_cmpstr(joined, ==, rows[i].pointers);
    }
}

static void test_names(void)
{
    static const char *const rows[][2] = {
        { "a/b/odd-7b/config.json", "odd-7b" }, { "a/odd-7b.json", "odd-7b" }, { "config.json",
          "config" }, { "odd", "odd" }
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = hf_config_parse(rows[i][0], "{'model_type': 'llama', " USUAL_FFN "}");
        g_autoptr(MppModel) model = mpp_model_read(json, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(model->name, ==, rows[i][1]);
        g_assert_cmpstr(model->source, ==, "Hugging Face config.json, model_type llama");
    }
}

/** Configs of the folder that are not modelled, and the field their refusal points at. */
static const char *const refused_files[][2] = {
    { "clip-vit-large-patch14", "/logit_scale_init_value:" },
    { "deepseek-v3.2", "/index_topk:" },
    { "deepseek-v4-284b", "/compress_ratios:" },
    { "gemma-4-31b", "/text_config/global_head_dim:" },
    { "qwen3-next-80b-a3b", "/full_attention_interval:" },
    { "qwen3.5-397b-a17b", "/text_config/full_attention_interval:" },
    { "resnet-50", "/depths:" },
    { "swin-large-patch4-window12-384", "/depths:" },
};

static const char *expected_refusal(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused_files); i++)
        if (strcmp(refused_files[i][0], name) == 0)
            return refused_files[i][1];
    return NULL;
}

static void check_number(const char *name, const cJSON *counts, const char *key, double counted)
{
    const cJSON *number = mpp_json_get(counts, key);
    if (!cJSON_IsNumber(number))
        return;
    g_test_message("%s %s: %.0f, counted elsewhere %.0f", name, key, counted, number->valuedouble);
    g_assert_cmpfloat(counted, ==, number->valuedouble);
}

static void check_file(const char *folder, const char *file, const cJSON *all_counts)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *name = g_strndup(file, strlen(file) - strlen(".json"));
    const char *refusal = expected_refusal(name);
    g_autoptr(MppJson) json = mpp_json_load(path, &error);
    g_assert_no_error(error);
    g_autoptr(MppModel) model = mpp_model_read(json, &error);
    if (refusal) {
        g_assert_error(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, refusal));
        g_test_message("%s", error->message);
        return;
    }
    g_assert_no_error(error);
    const cJSON *counts = mpp_json_get(all_counts, name);
    check_number(name, counts, "computed_total", mpp_model_parameters(model));
    check_number(name, counts, "computed_active", mpp_model_active_parameters(model));
}

/** Every config of a folder of the user's, against the counts in its params.json. */
static void test_folder(void)
{
    const char *folder = g_getenv("MPPLAN_HF_DIR");
    if (!folder) {
        g_test_skip("MPPLAN_HF_DIR names no folder of config.json files");
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, "params.json", NULL);
    g_autoptr(MppJson) counts = mpp_json_load(path, &error);
    g_assert_no_error(error);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    for (const char *file = g_dir_read_name(dir); file; file = g_dir_read_name(dir))
        if (g_str_has_suffix(file, ".json") && strcmp(file, "params.json") != 0)
            check_file(folder, file, counts->root);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(readings); i++) {
        g_autofree char *path = g_strconcat("/model_hf/reading/", readings[i].label, NULL);
        g_test_add_data_func(path, &readings[i], test_reading);
    }
    g_test_add_func("/model_hf/refusals", test_refusals);
    g_test_add_func("/model_hf/passed over", test_passed_over);
    g_test_add_func("/model_hf/names", test_names);
    g_test_add_func("/model_hf/folder", test_folder);
    return g_test_run();
}
