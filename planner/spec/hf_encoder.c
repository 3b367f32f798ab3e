/* Families with an encoder: T5, BERT, ViT. */
#include <string.h>

#include "planner/spec/model_hf_reader.h"

/** num_layers counts the encoder's layers, and the decoder's where it has no count of its own. */
static void read_t5(MppHf *hf)
{
    MppModel *model = hf->model;
    model->kind = MPP_MODEL_ENCODER_DECODER;
    model->positions = MPP_POSITIONS_RELATIVE;
    model->tied_embeddings = true;
    model->max_seq = 512;
    mpp_hf_sizes(hf);
    model->encoder_layers = model->layers;
    model->layers = mpp_hf_int(hf, "num_decoder_layers", &mpp_model_fields, "layers", model->layers);
    model->relative_buckets = mpp_hf_int(hf, "relative_attention_num_buckets", &mpp_model_fields, "relative_buckets",
                                         32);
    model->gated_mlp = g_str_has_prefix(mpp_hf_string(hf, "feed_forward_proj", "relu"), "gated");
}

/** The norms follow the blocks, so none precedes the head. */
static void read_bert(MppHf *hf)
{
    MppModel *model = hf->model;
    model->kind = MPP_MODEL_ENCODER;
    model->norm = MPP_NORM_LAYER;
    model->positions = MPP_POSITIONS_LEARNED;
    model->qkv_bias = model->output_bias = model->mlp_bias = true;
    model->embedding_norm = true;
    model->final_norm = false;
    model->tied_embeddings = true;
    bool words = mpp_hf_is_architecture(hf, "ForMaskedLM") || mpp_hf_is_architecture(hf, "ForPreTraining");
    model->head = words ? MPP_HEAD_MASKED_LM : MPP_HEAD_POOLER;
    mpp_hf_sizes(hf);
    model->token_types = mpp_hf_int(hf, "type_vocab_size", &mpp_model_fields, "token_types", 2);
    const char *positions = mpp_hf_string(hf, "position_embedding_type", "absolute");
    if (strcmp(positions, "absolute") != 0)
        mpp_hf_unsupported(hf, mpp_hf_get(hf, "position_embedding_type"),
                           "relative positions of BERT are not modelled");
}

/** By num_labels or the names in id2label; an image classifier without either has ImageNet's 1000. */
static int64_t count_classes(MppHf *hf)
{
    const cJSON *names = mpp_hf_get(hf, "id2label");
    if (names && !cJSON_IsObject(names))
        mpp_hf_wrong(hf, names, "an object");
    int64_t named = cJSON_IsObject(names) ? cJSON_GetArraySize(names) : 1000;
    return mpp_hf_int(hf, "num_labels", &mpp_model_fields, "classes", named);
}

static void read_vit(MppHf *hf)
{
    MppModel *model = hf->model;
    const MppFields *fields = mpp_fields_find(&mpp_model_fields, "vision")->table;
    model->kind = MPP_MODEL_ENCODER;
    model->norm = MPP_NORM_LAYER;
    model->positions = MPP_POSITIONS_LEARNED;
    model->output_bias = model->mlp_bias = true;
    mpp_hf_sizes(hf);
    model->qkv_bias = mpp_hf_bool(hf, "qkv_bias", true);
    model->vision.image_size = mpp_hf_int(hf, "image_size", fields, "image_size", 224);
    model->vision.patch_size = mpp_hf_int(hf, "patch_size", fields, "patch_size", 16);
    model->vision.channels = mpp_hf_int(hf, "num_channels", fields, "channels", 3);
    model->max_seq = model->vision.patch_size ? mpp_model_tokens(model, 0) : 1;
    if (mpp_hf_is_architecture(hf, "ForImageClassification")) {
        model->head = MPP_HEAD_CLASSIFIER;
        model->classes = count_classes(hf);
    } else {
        model->head = MPP_HEAD_POOLER;
    }
}

const MppHfFamily mpp_hf_encoder_families[] = {
    { "t5", read_t5 }, { "mt5", read_t5 }, { "bert", read_bert }, { "vit", read_vit }, { NULL, NULL },
};
