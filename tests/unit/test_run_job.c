#include "planner/runs/run_job.h"

#include "tests/support/sample_run.h"

static void test_skipped(void)
{
    static const struct {
        const char *model, *hardware, *training, *parallel, *reason;
    } rows[] = {
        { SIZES ", \"family\": \"cnn\"", ON_12, BATCH, "", "model family cnn is not modelled" },
        { "\"layers\": 6", ON_12, BATCH, "", "model.hidden is not stated" },
        { "\"hidden\": 210", ON_12, BATCH, "", "model.layers is not stated" },
        { "\"layers\": 6, \"hidden\": 210", ON_12, BATCH, "", "model.ffn is not stated" },
        { "\"layers\": 6, \"hidden\": 210, \"heads\": 30, \"ffn\": 420", ON_12, BATCH, "", "model.seq is not stated" },
        { SIZES, "\"gpus\": 12", BATCH, "", "hardware.gpu is not stated" },
        { SIZES, "\"gpu\": \"chip\"", BATCH, "", "hardware.gpus is not stated" },
        { SIZES, ON_12, "", "", "training.global_batch is not stated" },
        { SIZES, "\"gpu\": \"chop\", \"gpus\": 12", BATCH, "", "no device profile for chop" },
        { SIZES, ON_12, BATCH, "\"schedule\": \"gis-h\"", "schedule gis-h is not modelled" },
        { SIZES, ON_12, BATCH, "\"dp\": 5", "dp * tp * pp * cp = 5 but there are 12 GPUs [gpus-product]" },
        { SIZES, ON_12, "\"global_batch\": 7", "",
          "the global batch of 7 sequences is not a multiple of dp * micro-batch = 12 * 1 [batch]" },
        { SIZES, ON_12, BATCH ", \"framework\": \"Lone\"", "\"pp\": 2", "Lone has no pipeline parallelism [runtime-axes]" },
        { SIZES, ON_12, BATCH ", \"framework\": \"Old\"", "\"tp\": 4",
          "30 attention heads are not divisible by tp 4 [tp-heads]" },
        { SIZES, ON_12, BATCH, "\"tp\": 1048576, \"pp\": 1048576, \"cp\": 1048576",
          "30 attention heads are not divisible by tp 1048576 [tp-heads]" },
        { SIZES, ON_12, BATCH ", \"kernels\": \"rotary_fused,no-norms\"", "", "training.kernels has no switch no-norms" },
        { SIZES, ON_12, BATCH ", \"mean_seq\": 97", "", "training field mean_seq: expected at most the 96 tokens of a sequence, got 97" },
        { SIZES, ON_12, BATCH ", \"target_seq\": 11", "",
          "unnamed has no decoder beside an encoder, whose 11 tokens are stated [target-seq]" },
        { SIZES ", \"head_dim\": null, \"experts\": 3", ON_12, BATCH, "",
          "model field moe: experts need topk from 1 to experts and an ffn" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL;
        g_autoptr(MppRunJob) job = mpp_sample_run_job(rows[i].model, rows[i].hardware, rows[i].training, rows[i].parallel, &skipped);
        g_assert_cmpstr(skipped, ==, rows[i].reason);
    }
}

/** The job's model, what stands for what is not stated. */
static void test_model(void)
{
    g_autofree char *skipped = NULL;
    g_autoptr(MppRunJob) gpt = mpp_sample_run_job(SIZES ", \"name\": \"GPT\"", ON_12, BATCH, "", &skipped);
    g_assert_cmpint(gpt->model->norm, ==, MPP_NORM_LAYER);
    g_assert_cmpint(gpt->model->positions, ==, MPP_POSITIONS_LEARNED);
    g_assert_true(gpt->model->qkv_bias && gpt->model->output_bias && gpt->model->mlp_bias && !gpt->model->gated_mlp);
    g_assert_true(gpt->job.model == gpt->model && gpt->job.cluster == gpt->cluster && gpt->job.runtime == gpt->runtime);

    g_autoptr(MppRunJob) llama = mpp_sample_run_job(GATED, ON_12, BATCH, "", &skipped);
    g_assert_cmpstr(llama->model->name, ==, "unnamed");
    g_assert_cmpint(llama->model->positions, ==, MPP_POSITIONS_ROTARY);
    g_assert_false(llama->model->qkv_bias);

    g_autoptr(MppRunJob)
        bert = mpp_sample_run_job("\"layers\": 6, \"hidden\": 210, \"heads\": 30, \"ffn\": 420, \"seq\": 96, \"name\": \"BERT-odd\"", ON_12,
                    BATCH, "", &skipped);
    g_assert_cmpint(bert->model->kind, ==, MPP_MODEL_ENCODER);
    g_assert_cmpint(bert->model->head, ==, MPP_HEAD_MASKED_LM);
    g_assert_cmpint(bert->model->vocab, ==, 50257);

    g_autoptr(MppRunJob) pythia = mpp_sample_run_job(SIZES ", \"name\": \"Pythia 1.4B\"", ON_12, BATCH, "", &skipped);
    g_assert_cmpint(pythia->model->norm, ==, MPP_NORM_LAYER);
    g_assert_cmpint(pythia->model->positions, ==, MPP_POSITIONS_ROTARY);
    g_assert_true(pythia->model->parallel_block && pythia->model->qkv_bias && pythia->model->mlp_bias);

    g_autoptr(MppRunJob) falcon = mpp_sample_run_job(SIZES ", \"name\": \"Falcon 40B\"", ON_12, BATCH, "", &skipped);
    g_assert_cmpint(falcon->model->positions, ==, MPP_POSITIONS_ROTARY);
    g_assert_true(falcon->model->parallel_block && !falcon->model->qkv_bias && !falcon->model->output_bias && !falcon->model->mlp_bias);

    g_autoptr(MppRunJob) biased = mpp_sample_run_job(EXPERTS ", \"name\": \"GPT OSS 5B\"", ON_12, BATCH, "", &skipped);
    g_assert_true(biased->model->moe.expert_bias && biased->model->moe.router_bias && biased->model->attention_sinks);
    g_assert_true(biased->model->qkv_bias && biased->model->output_bias && !biased->model->mlp_bias);

    g_autoptr(MppRunJob) experts = mpp_sample_run_job(EXPERTS ", \"shared_experts\": 2, \"dense_layers_first\": 1", ON_12, BATCH, "", &skipped);
    g_assert_cmpint(experts->model->moe.ffn, ==, 56);
    g_assert_cmpint(experts->model->moe.shared_experts, ==, 2);
    g_assert_false(experts->model->moe.expert_bias);
    g_assert_cmpint(experts->model->n_kinds, ==, 2);

    g_assert_false(experts->job.training.kernels.experts_in_turn);
    g_autoptr(MppRunJob) in_turn = mpp_sample_run_job(EXPERTS, ON_12, BATCH ", \"framework\": \"Few\"", "", &skipped);
    g_assert_true(in_turn->job.training.kernels.experts_in_turn && in_turn->job.training.kernels.dispatch_once);
    g_autoptr(MppRunJob) dropped = mpp_sample_run_job(EXPERTS ", \"name\": \"five (tokendrop)\"", ON_12,
                                                      BATCH ", \"framework\": \"Few\"", "", &skipped);
    g_assert_false(dropped->job.training.kernels.dispatch_once);
    g_assert_true(dropped->job.training.kernels.experts_padded);

    g_autoptr(MppRunJob) window = mpp_sample_run_job(GATED ", \"attention_type\": \"GQA, sliding window\"", ON_12, BATCH, "", &skipped);
    g_assert_cmpint(window->model->window, ==, 128);
    g_assert_cmpint(window->model->full_attention_every, ==, 2);
}

static void test_latent_attention(void)
{
    static const struct {
        const char *words;
        int64_t kv_lora_rank, q_lora_rank;
    } rows[] = {
        { "\"attention_type\": \"MLA(q_lora 1536)\"", 512, 1536 },
        { "\"mla\": {}", 512, 0 },
        { "\"mla\": {\"q_lora_rank\": null}", 512, 0 },
        { "\"mla\": {\"q_lora_rank\": 385}", 512, 385 },
        { "\"mla\": {\"q_lora_rank\": \"many\"}", 512, 0 },
        { "\"mla\": {\"q_lora_rank\": -7}", 512, 0 },
        { "\"mla\": {\"q_lora_rank\": 1e300}", 512, 1048576 },
        { "\"attention_type\": \"MLA\", \"mla\": null", 512, 1536 },
        { "\"attention_type\": \"GQA\"", 0, 0 },
        { "\"mla\": null", 0, 0 },
        { "\"mla\": false", 0, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *model = g_strconcat(GATED ", ", rows[i].words, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(model, ON_12, BATCH, "", &skipped);
        g_assert_cmpint(job->model->mla.kv_lora_rank, ==, rows[i].kv_lora_rank);
        g_assert_cmpint(job->model->mla.q_lora_rank, ==, rows[i].q_lora_rank);
        g_assert_cmpint(job->model->kv_heads, ==, rows[i].kv_lora_rank ? 30 : 6);
    }
}

/** The strategy, as text. */
static void test_strategy(void)
{
    static const struct {
        const char *model, *training, *parallel, *strategy;
    } rows[] = {
        { GATED, "", "", "dp=12,tp=1,pp=1,mbs=1,zero=2,recompute=selective,split=balanced" },
        { GATED, ", \"micro_batch\": 5", "\"tp\": 2, \"pp\": 3, \"sp\": true",
          "dp=2,tp=2,pp=3,mbs=5,sp,zero=1,recompute=selective,split=balanced" },
        { GATED, "", "\"tp\": 1, \"sp\": true, \"zero\": 3, \"recompute\": \"none\", \"offload\": \"optimizer\"",
          "dp=12,tp=1,pp=1,mbs=1,zero=3,offload=optimizer,split=balanced" },
        { GATED, "", "\"tp\": 1, \"zero\": 3, \"recompute\": \"none\", \"offload\": \"optimizer+params\"",
          "dp=12,tp=1,pp=1,mbs=1,zero=3,offload=parameters,split=balanced" },
        { GATED, "", "\"tp\": 1, \"zero\": 3, \"recompute\": \"none\", \"offload\": \"activations+weights layers 2 (TE cpu offloading)\"",
          "dp=12,tp=1,pp=1,mbs=1,zero=3,recompute=offload:2,split=balanced" },
        { GATED, "", "\"fsdp\": true, \"recompute\": \"full\"", "dp=12,tp=1,pp=1,mbs=1,zero=3,recompute=full,split=balanced" },
        { GATED, "", "\"pp\": 2, \"zero\": 0, \"recompute\": \"full\", \"recompute_layers\": 2",
          "dp=6,tp=1,pp=2,mbs=1,recompute=full:2,split=balanced" },
        { GATED, "", "\"pp\": 2, \"zero\": 0, \"recompute\": \"full\", \"recompute_layers\": 3",
          "dp=6,tp=1,pp=2,mbs=1,recompute=full,split=balanced" },
        { GATED, "", "\"fsdp\": \"SHARD_GRAD_OP\"", "dp=12,tp=1,pp=1,mbs=1,zero=2,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": \"HSDP\"", "dp=12,tp=1,pp=1,mbs=1,zero=3,zero_ranks=6,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": \"hybrid shard\", \"tp\": 2, \"zero\": 2",
          "dp=6,tp=2,pp=1,mbs=1,zero=2,zero_ranks=3,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": \"HSDP\", \"tp\": 3, \"dp\": 2, \"cp\": 2", /* two ranks of a node */
          "dp=2,tp=3,pp=1,cp=2,mbs=1,zero=3,zero_ranks=2,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": \"HSDP\", \"zero_ranks\": 4", "dp=12,tp=1,pp=1,mbs=1,zero=3,zero_ranks=4,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": \"HSDP\", \"zero\": 0", "dp=12,tp=1,pp=1,mbs=1,recompute=selective,split=balanced" },
        { GATED, "", "\"zero_ranks\": 5", "dp=12,tp=1,pp=1,mbs=1,zero=2,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": false", "dp=12,tp=1,pp=1,mbs=1,zero=2,recompute=selective,split=balanced" },
        { GATED, "", "\"fsdp\": null, \"zero\": 0", "dp=12,tp=1,pp=1,mbs=1,recompute=selective,split=balanced" },
        { GATED, "", "\"pp\": 3, \"vpp\": 2, \"cp\": 2, \"dp\": 2, \"tp\": 1, \"schedule\": \"interleaved 1F1B\"",
          "dp=2,tp=1,pp=3,vpp=2,cp=2,mbs=1,zero=1,schedule=interleaved,recompute=selective,split=balanced" },
        { GATED, "", "\"vpp\": 2, \"ep\": 4, \"etp\": 2", "dp=12,tp=1,pp=1,mbs=1,zero=2,recompute=selective,split=balanced" },
        { EXPERTS, "", "\"tp\": 2, \"ep\": 2, \"sp\": true",
          "dp=6,tp=2,pp=1,ep=2,mbs=1,sp,zero=2,recompute=selective,split=balanced" },
        { EXPERTS, "", "\"tp\": 2, \"sp\": true", /* all experts on each rank: split, as everything else */
          "dp=6,tp=2,pp=1,etp=2,mbs=1,sp,zero=2,recompute=selective,split=balanced" },
        { EXPERTS, "", "\"tp\": 3, \"ep\": 4, \"sp\": true, \"etp\": 1",
          "dp=4,tp=3,pp=1,ep=4,mbs=1,sp,zero=2,recompute=selective,split=balanced" },
        { EXPERTS, "", "\"tp\": 6, \"ep\": 4, \"sp\": true",
          "dp=2,tp=6,pp=1,ep=4,mbs=1,sp,zero=2,recompute=selective,split=balanced" },
        { GATED, ", \"framework\": \"Few\"", "\"tp\": 2, \"pp\": 3", "dp=2,tp=2,pp=3,mbs=10,zero=1" },
        { GATED, ", \"framework\": \"Few\", \"micro_batch\": 3", "\"tp\": 2, \"pp\": 3", "dp=2,tp=2,pp=3,mbs=3,zero=1" },
        { GATED, ", \"framework\": \"Few\"", "\"tp\": 2, \"zero\": 0", "dp=6,tp=2,pp=1,mbs=1" },
        { EXPERTS ", \"name\": \"mcore_etp1_ep2\"", ", \"framework\": \"Few\"", "\"tp\": 2, \"ep\": 2, \"sp\": true",
          "dp=6,tp=2,pp=1,ep=2,mbs=1,sp,zero=1" },
        { "\"name\": \"mixtral-8x7b\", \"seq\": 96", "", "\"ep\": 4", /* experts of the model that is named */
          "dp=12,tp=1,pp=1,ep=4,mbs=1,zero=2,recompute=selective,split=balanced" },
        { GATED, "", "\"pp\": 3, \"schedule\": \"interleaved\"", /* of two chunks at least */
          "dp=4,tp=1,pp=3,vpp=2,mbs=1,zero=1,schedule=interleaved,recompute=selective,split=balanced" },
        { GATED, ", \"framework\": \"Old\"", "\"tp\": 2, \"recompute\": \"none\"", "dp=6,tp=2,pp=1,mbs=1,sp,zero=1" },
        { GATED, ", \"framework\": \"Old\"", "\"pp\": 2", "dp=6,tp=1,pp=2,mbs=1,zero=1,recompute=selective,split=balanced" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH, rows[i].training, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(rows[i].model, ON_12, training, rows[i].parallel, &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_autofree char *text = mpp_strategy_to_text(&job->strategy);
        g_assert_cmpstr(text, ==, rows[i].strategy);
    }
}

/** Experts are split over tp in stacks that do so, and in releases of others that did. */
static void test_expert_ranks(void)
{
    static const struct {
        const char *framework;
        int64_t etp;
    } rows[] = { { "Few", 2 }, { "Aged 1.5", 2 }, { "Aged 2.5", 1 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strdup_printf(BATCH ", \"framework\": \"%s\"", rows[i].framework);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(EXPERTS, ON_12, training, "\"tp\": 2, \"ep\": 2, \"sp\": true", &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_cmpint(job->strategy.ep, ==, 2);
        g_assert_cmpint(job->strategy.etp, ==, rows[i].etp);
    }
}

/** What a record says in words: what the host keeps, how sequences are split. */
static void test_worded(void)
{
    static const struct {
        const char *parallel, *strategy;
    } rows[] = {
        { "\"tp\": 1, \"zero\": 3, \"recompute\": \"none\", \"offload\": \"optimizer, parameters\"",
          "dp=12,tp=1,pp=1,mbs=1,zero=3,offload=parameters,split=balanced" },
        { "\"cp\": 2, \"cp_kind\": \"Ulysses\", \"zero\": 1, \"recompute\": \"none\"",
          "dp=6,tp=1,pp=1,cp=2,mbs=1,zero=1,cp_kind=all-to-all,split=balanced" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL;
        g_autoptr(MppRunJob) job = mpp_sample_run_job(GATED, ON_12, BATCH, rows[i].parallel, &skipped);
        g_autofree char *strategy = mpp_strategy_to_text(&job->strategy);
        g_assert_cmpstr(strategy, ==, rows[i].strategy);
    }
}

static void test_training(void)
{
    g_autofree char *skipped = NULL;
    g_autoptr(MppRunJob) stated = mpp_sample_run_job(GATED, ON_12 ", \"gpus_per_node\": 4",
                                       BATCH ", \"precision\": \"fp16\", \"optimizer\": \"LAMB\", \"attention\": \"flash\","
                                             " \"norm_kernel\": \"unfused\"",
                                       "", &skipped);
    g_assert_cmpint(stated->job.training.seq, ==, 96);
    g_assert_cmpint(stated->job.training.global_batch, ==, 120);
    g_assert_cmpint(stated->job.training.precision, ==, MPP_PRECISION_FP16);
    g_assert_cmpint(stated->job.training.optimizer, ==, MPP_OPTIMIZER_LAMB);
    g_assert_cmpint(stated->job.training.kernels.attention, ==, MPP_ATTENTION_FLASH2);
    g_assert_false(stated->job.training.kernels.norm_fused);
    g_assert_cmpint(mpp_cluster_tier(stated->cluster, 0)->devices, ==, 4);
    g_assert_cmpint(stated->job.gpus, ==, 12);

    g_autoptr(MppRunJob) silent = mpp_sample_run_job(GATED, ON_12, BATCH, "", &skipped);
    g_assert_cmpint(silent->job.training.precision, ==, MPP_PRECISION_BF16);
    g_assert_cmpint(silent->job.training.optimizer, ==, MPP_OPTIMIZER_ADAM);
    g_assert_cmpint(silent->job.training.kernels.attention, ==, MPP_ATTENTION_FUSED_SOFTMAX);
    g_assert_true(silent->job.training.kernels.norm_fused);
}

/** A stack that compiles on demand did so if the label says so, or the number format needs it. */
/** What scales 8-bit operands have the label says; the chip has no 8-bit products at all. */
static void test_scales(void)
{
    static const struct {
        const char *label, *skipped;
    } rows[] = {
        { "async TP: 8B float8 rowwise", "the Chip 7 has no fp8-rowwise products [precision]" },
        { "rowwise: 8B float8 tensorwise", "the Chip 7 has no fp8 products [precision]" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *hardware = g_strdup_printf(ON_12 "}, \"row\": \"%s\", \"more\": {\"x\": 1", rows[i].label);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(GATED, hardware, BATCH ", \"precision\": \"fp8\"", "", &skipped);
        g_assert_null(job);
        g_assert_cmpstr(skipped, ==, rows[i].skipped);
    }
}

/** Formats and kernels that words of the framework or the precision tell. */
static void test_words(void)
{
    g_autofree char *skipped = NULL;
    g_autoptr(MppRunJob) plain = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Plain\"", "", &skipped);
    g_autoptr(MppRunJob) pieces = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Plain, Liger kernels\"", "", &skipped);
    g_assert_false(plain->job.training.kernels.loss_in_pieces);
    g_assert_true(pieces->job.training.kernels.loss_in_pieces);
    g_autoptr(MppRunJob) late = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Late\"", "", &skipped);
    g_autoptr(MppRunJob) stated = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Late\", \"precision\": \"bf16\"", "", &skipped);
    g_assert_cmpint(late->job.training.precision, ==, MPP_PRECISION_FP16);
    g_assert_cmpint(stated->job.training.precision, ==, MPP_PRECISION_BF16);
    g_autoptr(MppRunJob) narrow = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Plain\", \"precision\": \"bf16-true\"", "", &skipped);
    g_assert_cmpfloat(plain->runtime->state.zero0_kept_bytes, ==, 3.5);
    g_assert_cmpfloat(narrow->runtime->state.zero0_kept_bytes, ==, 2);
    g_autoptr(MppRunJob) summed =
        mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Plain\", \"precision\": \"bf16-true, fp32 reduction\"", "", &skipped);
    g_assert_cmpfloat(narrow->runtime->state.reduce_bytes, ==, 2);
    g_assert_cmpfloat(summed->runtime->state.reduce_bytes, ==, 4);
    g_assert_cmpfloat(summed->runtime->state.gradient_bytes, ==, 2);
    g_autoptr(MppRunJob) lone = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Lone\"", "", &skipped);
    g_autoptr(MppRunJob) second = mpp_sample_run_job(GATED, ON_12, BATCH ", \"framework\": \"Lone 2.5\"", "", &skipped);
    g_assert_true(!lone->job.training.kernels.loss_narrow && !lone->job.training.kernels.update_fused);
    g_assert_true(second->job.training.kernels.loss_narrow && second->job.training.kernels.update_fused);
}

/** What neither the record nor its stack tells is listed, once. */
static void test_assumed(void)
{
    static const struct {
        const char *model, *training, *parallel, *assumed;
    } rows[] = {
        { SIZES, ", \"framework\": \"Plain\", \"precision\": \"bf16\", \"optimizer\": \"AdamW\"", "", "network of racks" },
        { SIZES, ", \"framework\": \"Plain\", \"precision\": \"half\", \"optimizer\": \"Lion\"", "",
          "network of racks; bf16 for half; adam for Lion" },
        { SIZES, ", \"framework\": \"Old\", \"precision\": \"half\"", "\"dp\": 6, \"pp\": 2", /* and its successor */
          "network of racks; bf16 for half" },
        { "\"layers\": 6, \"hidden\": 210, \"ffn\": 420, \"seq\": 96", ", \"framework\": \"Old\", \"precision\": \"bf16\"", "",
          "2 heads; vocabulary of 50257; network of racks" },
        { "\"name\": \"hf-mistral-7b\", \"seq\": 96", ", \"framework\": \"Old\", \"precision\": \"bf16\"", "", "sizes of mistral-7b; network of racks" },
        { SIZES, "", "", "network of racks; stack megatron-core for one that is not stated; bf16 for a precision that is not stated" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH, rows[i].training, NULL);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(rows[i].model, ON_12, training, rows[i].parallel, &skipped);
        g_ptr_array_add(job->assumed, NULL);
        g_autofree char *assumed = g_strjoinv("; ", (char **)job->assumed->pdata);
        g_assert_cmpstr(assumed, ==, rows[i].assumed);
    }
}

/** What recipes for BERT leave out is assumed in a stack that does, where the record says nothing. */
static void test_lengths(void)
{
    static const struct {
        const char *name, *training;
        int64_t seq, mean_seq, loss_tokens, document_tokens;
    } rows[] = {
        { "BERT", ", \"framework\": \"Dense\"", 512, 288, 38 },
        { "BERT", ", \"framework\": \"Dense\"", 128, 0, 19 },
        { "BERT", ", \"framework\": \"Dense\"", 3, 0, 1 },
        { "GPT", ", \"framework\": \"Dense\"", 512, 0, 0 },
        { "BERT", "", 512, 0, 0 },
        { "BERT", ", \"framework\": \"Dense\", \"mean_seq\": 385, \"loss_tokens\": 80", 512, 385, 80 },
        { "GPT", ", \"mean_seq\": 385, \"loss_tokens\": 80", 512, 385, 80 },
        { "GPT", ", \"document_tokens\": 83", 512, 0, 0, 83 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *skipped = NULL, *training = g_strconcat(BATCH, rows[i].training, NULL);
        g_autofree char *model = g_strdup_printf("\"layers\": 6, \"hidden\": 210, \"heads\": 30, \"ffn\": 420, \"vocab\": 1009, "
                                                 "\"seq\": %" G_GINT64_FORMAT ", \"name\": \"%s\"", rows[i].seq, rows[i].name);
        g_autoptr(MppRunJob) job = mpp_sample_run_job(model, ON_12, training, "", &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_cmpint(job->job.training.mean_seq, ==, rows[i].mean_seq);
        g_assert_cmpint(job->job.training.loss_tokens, ==, rows[i].loss_tokens);
        g_assert_cmpint(job->job.training.document_tokens, ==, rows[i].document_tokens);
    }
}

static void test_profiles(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppProfiles) profiles = mpp_profiles_load(&error);
    g_assert_no_error(error);
    g_assert_cmpuint(profiles->clusters->len, >, 10);
    g_assert_cmpuint(profiles->runtimes->len, >, 5);
    mpp_profiles_free(NULL);
    mpp_run_job_free(NULL);
}

/** The width nearest to 128 that leaves every tensor-parallel rank whole heads. */
static void test_unstated_heads(void)
{
    static const struct {
        const char *model, *parallel;
        int64_t heads;
    } rows[] = {
        { "\"hidden\": 210", "", 2 },
        { "\"hidden\": 210", "\"dp\": 4, \"tp\": 3", 3 },
        { "\"hidden\": 1536", "\"dp\": 6, \"tp\": 2", 12 },
        { "\"hidden\": 210, \"heads\": 30", "", 30 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *model = g_strconcat("\"layers\": 6, \"ffn\": 420, \"vocab\": 1009, \"seq\": 96, ", rows[i].model, NULL), *skipped;
        g_autoptr(MppRunJob) job = mpp_sample_run_job(model, ON_12, BATCH, rows[i].parallel, &skipped);
        g_assert_cmpstr(skipped, ==, NULL);
        g_assert_cmpint(job->model->heads, ==, rows[i].heads);
        g_assert_cmpint(job->model->kv_heads, ==, rows[i].heads);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-job/skipped", test_skipped);
    g_test_add_func("/run-job/model", test_model);
    g_test_add_func("/run-job/unstated-heads", test_unstated_heads);
    g_test_add_func("/run-job/latent-attention", test_latent_attention);
    g_test_add_func("/run-job/strategy", test_strategy);
    g_test_add_func("/run-job/expert-ranks", test_expert_ranks);
    g_test_add_func("/run-job/worded", test_worded);
    g_test_add_func("/run-job/training", test_training);
    g_test_add_func("/run-job/scales", test_scales);
    g_test_add_func("/run-job/words", test_words);
    g_test_add_func("/run-job/assumed", test_assumed);
    g_test_add_func("/run-job/lengths", test_lengths);
    g_test_add_func("/run-job/profiles", test_profiles);
    return g_test_run();
}
