#include "tests/support/hf_config.h"

static const struct {
    const char *title, *config, *brief;
} readings[] = {
    { "nemotron_h: layers of one part, by pattern",
      "{'model_type': 'nemotron_h', " USUAL_FFN
      ", 'hybrid_override_pattern': 'M*-MEM', 'mamba_num_heads': 8, 'mamba_head_dim': 5,"
      " 'n_groups': 2, 'ssm_state_size': 7, 'conv_kernel': 3, 'chunk_size': 64, 'n_routed_experts': 7, 'num_experts_per_tok': 2,"
      " 'moe_intermediate_size': 19, 'n_shared_experts': 1, 'moe_shared_expert_intermediate_size': 57}",
      READ "'head_dim':128,'ffn':131,'vocab':1009,'max_seq':640,'positions':'none','pattern':'M*-MEM','moe':{'experts':7,'topk':"
           "2,'ffn':19,"
           "'shared_experts':1,'shared_ffn':57,'router_bias':true},'ssm':{'heads':8,'head_dim':5,'groups':2,'state':7,'conv':3,'"
           "chunk':64}}" },
    { "nemotron_h: layers of one part, by a list",
      "{'model_type': 'nemotron_h', " USUAL_FFN
      ", 'layers_block_type': ['linear_attention', 'mlp', 'attention'], 'attention_head_dim': 22,"
      " 'mamba_num_heads': 8, 'mamba_head_dim': 5, 'mamba_n_groups': 2, 'ssm_state_size': 7, 'attention_bias': true, 'mlp_bias': "
      "true}",
      "{'layers':3,'hidden':66,'heads':3,'head_dim':22,'ffn':131,'qkv_bias':true,'output_bias':true,'mlp_bias':true,'vocab':1009,"
      "'max_seq':640,'positions':'none','pattern':'M-*','moe':{'expert_bias':true},'ssm':{'heads':8,'head_dim':5,'groups':2,'"
      "state':7}}" },
    { "granitemoehybrid: two layers of a pattern each, experts with shared ones",
      "{'model_type': 'granitemoehybrid', 'num_hidden_layers': 3, 'hidden_size': 66, 'num_attention_heads': 3, 'vocab_size': "
      "1009,"
      " 'intermediate_size': 19, 'max_position_embeddings': 640, 'layer_types': ['mamba', 'attention', 'mamba'], "
      "'num_local_experts': 7,"
      " 'num_experts_per_tok': 2, 'shared_intermediate_size': 57, 'position_embedding_type': 'nope', 'mamba_n_heads': 8,"
      " 'mamba_d_head': 5, 'mamba_n_groups': 1, 'mamba_d_state': 7, 'mamba_chunk_size': 256, 'mamba_expand': 2}",
      READ
      "'ffn':0,'gated_mlp':true,'vocab':1009,'max_seq':640,'positions':'none','pattern':'ME*EME','moe':{'experts':7,'topk':2,"
      "'ffn':19,'shared_experts':1,'shared_ffn':57},'ssm':{'heads':8,'head_dim':5,'groups':1,'state':7,'chunk':256}}" },
    { "granitemoehybrid: without experts the shared one is the MLP",
      "{'model_type': 'granitemoehybrid', 'num_hidden_layers': 2, 'hidden_size': 66, 'num_attention_heads': 3, 'vocab_size': "
      "1009,"
      " 'intermediate_size': 19, 'max_position_embeddings': 640, 'layer_types': ['attention', 'mamba'], "
      "'shared_intermediate_size': 57,"
      " 'mamba_n_heads': 8, 'mamba_d_head': 5, 'mamba_n_groups': 1, 'mamba_d_state': 7}",
      "{'layers':4,'hidden':66,'heads':3,'ffn':57,'gated_mlp':true,'vocab':1009,'max_seq':640,'pattern':'*-M-',"
      "'ssm':{'heads':8,'head_dim':5,'groups':1,'state':7}}" },
    { "bamba: attention by the layers' numbers",
      "{'model_type': 'bamba', 'num_hidden_layers': 3, 'hidden_size': 66, 'num_attention_heads': 3, 'vocab_size': 1009,"
      " 'intermediate_size': 131, 'max_position_embeddings': 640, 'attn_layer_indices': [1], 'mamba_n_heads': 8, 'mamba_d_head': "
      "5,"
      " 'mamba_n_groups': 1, 'mamba_d_state': 7}",
      READ "'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'pattern':'M-*-M-','ssm':{'heads':8,'head_dim':5,'groups':1,'"
           "state':7}}" },
    { "mamba2: no attention, its own meaning of num_heads",
      "{'model_type': 'mamba2', 'num_hidden_layers': 3, 'hidden_size': 66, 'vocab_size': 1009, 'num_heads': 8, 'head_dim': 5,"
      " 'n_groups': 1, 'state_size': 7}",
      "{'layers':3,'hidden':66,'heads':0,'ffn':0,'vocab':1009,'max_seq':2048,'positions':'none','pattern':'MMM',"
      "'ssm':{'heads':8,'head_dim':5,'groups':1,'state':7,'chunk':256}}" },
    { "qwen3_next: each n-th layer has gated attention, all have experts",
      "{'model_type': 'qwen3_next', " USUAL_FFN ", 'full_attention_interval': 3, 'head_dim': 24, 'linear_num_value_heads': 8,"
      " 'linear_value_head_dim': 5, 'linear_num_key_heads': 2, 'linear_key_head_dim': 7, 'num_experts': 7, "
      "'num_experts_per_tok': 2,"
      " 'moe_intermediate_size': 19, 'shared_expert_intermediate_size': 57}",
      READ "'head_dim':24,'ffn':0,'gated_mlp':true,'vocab':1009,'max_seq':640,'qk_norm_dim':24,'attention_gate':true,"
           "'full_attention_every':3,'moe':{'experts':7,'topk':2,'ffn':19,'shared_experts':1,'shared_ffn':57,'shared_gate':true},"
           "'ssm':{'kind':'gated-delta','heads':8,'head_dim':5,'groups':2,'state':7,'chunk':64}}" },
    { "qwen3_5_text: dense, by a list of types, with a prediction layer",
      "{'model_type': 'qwen3_5_text', 'num_hidden_layers': 4, 'hidden_size': 66, 'num_attention_heads': 3, 'vocab_size': 1009,"
      " 'intermediate_size': 131, 'max_position_embeddings': 640, 'layer_types': ['linear_attention', 'full_attention',"
      " 'linear_attention', 'full_attention'], 'linear_num_value_heads': 8, 'linear_value_head_dim': 5, 'linear_num_key_heads': "
      "2,"
      " 'linear_key_head_dim': 7, 'mtp_num_hidden_layers': 1}",
      "{'layers':4,'hidden':66,'heads':3,'head_dim':256,'ffn':131,'gated_mlp':true,'vocab':1009,'max_seq':640,'qk_norm_dim':256,"
      "'attention_gate':true,'full_attention_every':2,'prediction_layers':1,"
      "'ssm':{'kind':'gated-delta','heads':8,'head_dim':5,'groups':2,'state':7,'chunk':64}}" },
};

static void test_readings(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(readings); i++) {
        g_test_message("%s", readings[i].title);
        g_autofree char *brief = hf_config_in_brief(readings[i].config);
        g_assert_cmpstr(brief, ==, readings[i].brief);
    }
}

static const struct {
    const char *config;
    MppError code;
    const char *message;
} refusals[] = {
    { "{'model_type': 'nemotron_h', 'hybrid_override_pattern': '*-', " USUAL_FFN ",\n'use_bias': true}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:13: /use_bias: not modelled: biases of a state-space layer's projections" },
    { "{'model_type': 'nemotron_h', 'hybrid_override_pattern': '*-', " USUAL_FFN ",\n'moe_latent_size': 16}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:20: /moe_latent_size: not modelled: experts of a narrower width than the layers" },
    { "{'model_type': 'nemotron_h', 'hybrid_override_pattern': '*-', " USUAL_FFN ",\n'num_nextn_predict_layers': 1}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:29: /num_nextn_predict_layers: not modelled: multi-token prediction by layers of one part" },
    { "{'model_type': 'nemotron_h', " USUAL_FFN "}", MPP_ERROR_SCHEMA,
      "c.json:1:1: /: the key 'hybrid_override_pattern' is missing (what each layer has)" },
    { "{'model_type': 'nemotron_h', " USUAL_FFN ",\n'hybrid_override_pattern': ''}", MPP_ERROR_SCHEMA,
      "c.json:2:28: /hybrid_override_pattern: expected 1 to 4096 layers, got ''" },
    { "{'model_type': 'granitemoehybrid', " USUAL_FFN "}", MPP_ERROR_SCHEMA,
      "c.json:1:1: /: the key 'layer_types' is missing (what each layer has)" },
    { "{'model_type': 'bamba', " USUAL_FFN ",\n'attn_layer_indices': [2.5]}", MPP_ERROR_SCHEMA,
      "c.json:2:24: /attn_layer_indices/0: expected the number of a layer, got 2.5" },
    { "{'model_type': 'mamba2', " USUAL ",\n'use_conv_bias': false}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:18: /use_conv_bias: not modelled: a convolution without biases" },
    { "{'model_type': 'granitemoehybrid', " USUAL_FFN ",\n'layer_types': ['mamba', 'rwkv']}", MPP_ERROR_UNSUPPORTED,
      "c.json:2:26: /layer_types/1: this type of layer is not modelled; known: mamba, attention, mlp, moe" },
    { "{'model_type': 'granitemoehybrid', " USUAL_FFN ",\n'layer_types': 'mamba'}", MPP_ERROR_SCHEMA,
      "c.json:2:16: /layer_types: expected an array of layer types, got 'mamba'" },
    { "{'model_type': 'bamba', " USUAL_FFN ",\n'attn_layer_indices': [2, 6]}", MPP_ERROR_SCHEMA,
      "c.json:2:27: /attn_layer_indices/1: expected the number of a layer, got 6" },
    { "{'model_type': 'qwen3_next', " USUAL_FFN ",\n'linear_num_value_heads': 4, 'layer_types': ['sliding_attention']}",
      MPP_ERROR_UNSUPPORTED,
      "c.json:2:46: /layer_types/0: this type of layer is not modelled; known: full_attention, linear_attention" },
};

static void test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
        hf_config_refused(refusals[i].config, refusals[i].code, refusals[i].message);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hf-hybrid/readings", test_readings);
    g_test_add_func("/hf-hybrid/refusals", test_refusals);
    return g_test_run();
}
