#include "planner/cli/options.h"

#include <string.h>

void mpp_job_options_entries(MppJobWords *o, GOptionEntry *entries)
{
    const GOptionEntry all[MPP_N_JOB_ENTRIES] = {
        { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model: a built-in name, our JSON, or a Hugging Face config.json", "MODEL" },
        { "gpus", 'g', 0, G_OPTION_ARG_INT64, &o->gpus, "Number of devices", "N" },
        { "cluster", 'c', 0, G_OPTION_ARG_FILENAME, &o->cluster, "Cluster or device: a built-in name or a JSON file", "CLUSTER" },
        { "runtime", 'r', 0, G_OPTION_ARG_FILENAME, &o->runtime, "Software stack (default " MPP_JOB_RUNTIME ")", "RUNTIME" },
        { "global-batch", 'b', 0, G_OPTION_ARG_INT64, &o->global_batch, "Sequences a step", "N" },
        { "seq", 's', 0, G_OPTION_ARG_INT64, &o->seq, "Tokens a sequence", "N" },
        { "document-tokens", 0, 0, G_OPTION_ARG_INT64, &o->document_tokens, "Tokens of a packed document on average, within which attention stays", "N" },
        { "mean-seq", 0, 0, G_OPTION_ARG_INT64, &o->mean_seq, "Tokens of a sequence on average, where padding is left out", "N" },
        { "target-seq", 0, 0, G_OPTION_ARG_INT64, &o->target_seq, "Tokens of the decoder's sequence beside an encoder (default: as --seq)", "N" },
        { "loss-tokens", 0, 0, G_OPTION_ARG_INT64, &o->loss_tokens, "Tokens of a sequence that head and loss work on: the masked ones", "N" },
        { "precision", 'p', 0, G_OPTION_ARG_STRING, &o->precision, "fp32, tf32, fp16, bf16, fp8, fp8-rowwise, mxfp8, nvfp4; bf16-true: states, too", "FORMAT" },
        { "optimizer", 0, 0, G_OPTION_ARG_STRING, &o->optimizer, "adam, lamb, sgd or muon", "NAME" },
        { "kernels", 0, 0, G_OPTION_ARG_STRING, &o->kernels, "Kernels unlike the stack's: switches and that of attention, as dispatch_once,no-norm_fused,flash2", "LIST" },
        G_OPTION_ENTRY_NULL,
    };
    memcpy(entries, all, sizeof all);
}

void mpp_options_clear(const GOptionEntry *entries)
{
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        if (entry->arg == G_OPTION_ARG_STRING || entry->arg == G_OPTION_ARG_FILENAME)
            g_clear_pointer((char **)entry->arg_data, g_free);
        else if (entry->arg == G_OPTION_ARG_STRING_ARRAY || entry->arg == G_OPTION_ARG_FILENAME_ARRAY)
            g_clear_pointer((char ***)entry->arg_data, g_strfreev);
    }
}

static char *shell_word(const char *text)
{
    static const char plain[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_./:=,+@";
    return *text && !text[strspn(text, plain)] ? g_strdup(text) : g_shell_quote(text);
}

char *mpp_job_options_to_text(const MppJobWords *options)
{
    GOptionEntry entries[MPP_N_JOB_ENTRIES];
    MppJobWords given = *options;
    mpp_job_options_entries(&given, entries);
    GString *text = g_string_new(NULL);
    for (int i = 0; entries[i].long_name; i++) {
        const void *at = entries[i].arg_data;
        bool whole = entries[i].arg == G_OPTION_ARG_INT64;
        if (whole ? *(const int64_t *)at == MPP_JOB_NOT_GIVEN : !*(char *const *)at)
            continue;
        g_autofree char *word = whole ? g_strdup_printf("%" G_GINT64_FORMAT, *(const int64_t *)at) : shell_word(*(char *const *)at);
        g_string_append_printf(text, "%s--%s %s", text->len ? " " : "", entries[i].long_name, word);
    }
    return g_string_free(text, FALSE);
}
