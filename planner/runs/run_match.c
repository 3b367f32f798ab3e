#include "planner/runs/run_match.h"

#include <string.h>

#include "planner/base/words.h"

MppMemoryFigure mpp_run_match_figure(const MppRun *run, const MppRuntime *runtime)
{
    const char *kind = run->measured.memory_kind;
    if (mpp_words_has(kind, "nvidia-smi") || (!kind && mpp_words_name(runtime->memory.device_figures, run->source)))
        return MPP_FIGURE_DEVICE;
    return mpp_words_has(kind, "reserved")    ? MPP_FIGURE_RESERVED
           : mpp_words_has(kind, "allocated") ? MPP_FIGURE_ALLOCATED
           : mpp_words_has(kind, "device")    ? MPP_FIGURE_DEVICE
                                              : runtime->memory.figure;
}

MppPrecision mpp_run_match_precision(const char *words, MppPrecision otherwise)
{
    static const MppPrecision narrowest_first[] = { MPP_PRECISION_NVFP4, MPP_PRECISION_MXFP8, MPP_PRECISION_FP8_ROWWISE, MPP_PRECISION_FP8,
                                                    MPP_PRECISION_BF16,  MPP_PRECISION_FP16,  MPP_PRECISION_TF32,        MPP_PRECISION_FP32 };
    for (size_t i = 0; words && i < G_N_ELEMENTS(narrowest_first); i++)
        if (mpp_words_has(words, mpp_names_get(&mpp_precision_names, narrowest_first[i])))
            return narrowest_first[i];
    return otherwise;
}

bool mpp_run_match_narrow_states(const char *words)
{
    return mpp_words_has(words, "pure") || mpp_words_has(words, "16-true");
}

bool mpp_run_match_wide_gradients(const char *words)
{
    return mpp_words_has(words, "fp32 gradients");
}

bool mpp_run_match_wide_reduction(const char *words)
{
    return mpp_words_has(words, "fp32 reduction");
}

bool mpp_run_match_narrow_moments(const char *words)
{
    return mpp_words_has(words, "bf16 moments");
}

MppOptimizer mpp_run_match_optimizer(const char *words)
{
    for (int i = 0; words && i < MPP_N_OPTIMIZERS; i++)
        if (mpp_words_has(words, mpp_names_get(&mpp_optimizer_names, i)))
            return i;
    return MPP_OPTIMIZER_ADAM;
}

/** The first row whose words occur decides. */
MppAttentionKernel mpp_run_match_attention(const char *words, const MppDevice *device, MppAttentionKernel otherwise)
{
    static const struct { const char *word; MppAttentionKernel kernel; } table[] = {
        { "unfused (torch)", MPP_ATTENTION_UNFUSED },      { "fused softmax", MPP_ATTENTION_FUSED_SOFTMAX },
        { "fused-softmax", MPP_ATTENTION_FUSED_SOFTMAX },  { "unfused", MPP_ATTENTION_FUSED_SOFTMAX },
        { "triton", MPP_ATTENTION_FLASH1_TRITON },         { "flash1", MPP_ATTENTION_FLASH1 },
        { "flash2", MPP_ATTENTION_FLASH2 },                { "flash3", MPP_ATTENTION_FLASH3 },
        { "flash4", MPP_ATTENTION_FLASH3 },                { "cudnn", MPP_ATTENTION_FLASH3 },
        { "flash", MPP_ATTENTION_FLASH2 },                 { "fused", MPP_ATTENTION_FLASH3 },
        { "flex", MPP_ATTENTION_FLASH2 },
    };
    MppAttentionKernel kernel = otherwise;
    for (size_t i = 0; words && i < G_N_ELEMENTS(table); i++) {
        if (mpp_words_has(words, table[i].word)) {
            kernel = table[i].kernel;
            break;
        }
    }
    const MppAttentionRate *rate = mpp_device_attention(device, kernel);
    return rate && !(rate->forward_frac > 0) ? MPP_ATTENTION_FLASH2 : kernel;
}

MppRecompute mpp_run_match_recompute(const char *words, MppRecompute otherwise)
{
    if (!words)
        return otherwise;
    if (mpp_words_has(words, "none"))
        return MPP_RECOMPUTE_NONE;
    return mpp_words_has(words, "full") ? MPP_RECOMPUTE_FULL : MPP_RECOMPUTE_SELECTIVE;
}

int64_t mpp_run_match_modules(const char *words, const MppRuntime *runtime)
{
    int64_t modules = 0;
    for (int i = 0; words && i < MPP_N_MODULES; i++)
        if (mpp_words_has_whole(words, mpp_names_get(&mpp_module_names, i)))
            modules |= (int64_t)1 << i;
    return modules & runtime->recompute_modules;
}

bool mpp_run_match_label(const MppRun *run, const char *word)
{
    const cJSON *label = mpp_json_get(run->json->root, "row");
    const char *text = cJSON_IsString(label) ? label->valuestring : "", *table = strstr(text, ": ");
    g_autofree char *words = g_ascii_strdown(table ? table : text, -1);
    return strstr(words, word);
}

bool mpp_run_match_compiled(const MppRun *run)
{
    static const char *const not_compiled[] = { "no compile", "no-compile", "without compile", "without torch.compile", "uncompiled" };
    for (size_t i = 0; i < G_N_ELEMENTS(not_compiled); i++)
        if (mpp_run_match_label(run, not_compiled[i]) || mpp_words_has(run->training.framework, not_compiled[i]))
            return false;
    return mpp_run_match_label(run, "compile") || mpp_words_has(run->training.framework, "compile");
}

bool mpp_run_match_hybrid(const MppRun *run)
{
    const cJSON *fsdp = mpp_run_get(run, "parallel", "fsdp");
    const char *words = cJSON_IsString(fsdp) ? fsdp->valuestring : NULL;
    return mpp_words_has(words, "HSDP") || mpp_words_has(words, "hybrid");
}

MppCpKind mpp_run_match_context(const char *words, MppCpKind otherwise)
{
    static const struct { const char *word; MppCpKind kind; } table[] = {
        { "all-to-all", MPP_CP_ALL_TO_ALL }, { "all_to_all", MPP_CP_ALL_TO_ALL }, { "a2a", MPP_CP_ALL_TO_ALL },
        { "ulysses", MPP_CP_ALL_TO_ALL },    { "gather", MPP_CP_ALL_GATHER },     { "ring", MPP_CP_RING },
        { "p2p", MPP_CP_RING },
    };
    for (size_t i = 0; words && i < G_N_ELEMENTS(table); i++)
        if (mpp_words_has(words, table[i].word))
            return table[i].kind;
    return otherwise;
}

/** The first row whose word occurs decides. zb-1p and zb-2p: arXiv:2401.10241 §4. */
int mpp_run_match_schedule(const char *words, int64_t vpp)
{
    static const struct { const char *word; MppScheduleKind kind; } table[] = {
        { "zb-1p", MPP_SCHEDULE_ZB_H1 },    { "zb-h1", MPP_SCHEDULE_ZB_H1 },       { "zb-2p", MPP_SCHEDULE_ZB_H2 },
        { "zb-h2", MPP_SCHEDULE_ZB_H2 },    { "zbv", MPP_SCHEDULE_ZB_V },          { "zb-v", MPP_SCHEDULE_ZB_V },
        { "v-half", MPP_SCHEDULE_V_HALF },  { "v-min", MPP_SCHEDULE_V_MIN },       { "dualpipe", MPP_SCHEDULE_DUALPIPE_V },
        { "chimera", MPP_SCHEDULE_CHIMERA }, { "hanayo", MPP_SCHEDULE_HANAYO },    { "breadth", MPP_SCHEDULE_BREADTH_FIRST },
        { "gpipe", MPP_SCHEDULE_GPIPE },    { "1f1b", MPP_SCHEDULE_1F1B },         { "interleaved", MPP_SCHEDULE_1F1B },
    };
    MppScheduleKind kind = MPP_N_SCHEDULES;
    for (size_t i = 0; words && kind == MPP_N_SCHEDULES && i < G_N_ELEMENTS(table); i++)
        if (mpp_words_has(words, table[i].word))
            kind = table[i].kind;
    if (words && kind == MPP_N_SCHEDULES)
        return -1;
    if (!words || kind == MPP_SCHEDULE_1F1B)
        return vpp > 1 ? MPP_SCHEDULE_INTERLEAVED : MPP_SCHEDULE_1F1B;
    return (int)kind;
}
