/**
 * The manual page, mpplan(1), in roff's man macros.
 */
#include <stdio.h>

#include "planner/cli/describe.h"
#include "planner/spec/strategy.h"

/** @text with roff's own characters escaped; a hyphen is a minus, as options are typed. */
static char *escaped(const char *text)
{
    GString *out = g_string_new(*text == '.' || *text == '\'' ? "\\&" : "");
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            g_string_append(out, "\\e");
        else if (*c == '-')
            g_string_append(out, "\\-");
        else
            g_string_append_c(out, *c);
    }
    return g_string_free(out, FALSE);
}

static void print_line(const char *macro, const char *text)
{
    g_autofree char *safe = escaped(text);
    printf("%s%s%s\n", macro, *macro ? " " : "", safe);
}

/** A tagged paragraph: what is typed, then what it means. */
static void print_entry(const char *tag, const char *text)
{
    g_autofree char *safe = escaped(tag);
    printf(".TP\n.B %s\n", safe);
    print_line("", text);
}

static void begin(void)
{
    printf(".\\\" Written by mpplan help --man.\n.TH MPPLAN 1 \"\" \"mpplan " MPP_VERSION "\"\n.SH NAME\n"
           "mpplan \\- plan how to train a neural net on many devices, before they are rented\n"
           ".SH SYNOPSIS\n.B mpplan\n.RI [ COMMAND ]\n.RI [ OPTION ...]\n"
           ".SH DESCRIPTION\n"
           "Decides how the training of a neural net is split over many devices,\nand predicts step time and memory.\n"
           "Without a command, plan is meant.\n"
           ".SH COMMANDS\n");
}

static void print_examples(const char *examples)
{
    g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);
    printf(".PP\n.nf\n");
    for (int i = 0; lines[i]; i++)
        if (*lines[i])
            print_line("", lines[i]);
    printf(".fi\n");
}

static void print_option(const GOptionEntry *entry)
{
    char letter[] = { '-', entry->short_name, ',', ' ', '\0' };
    g_autofree char *tag = g_strdup_printf("%s--%s%s%s", entry->short_name ? letter : "", entry->long_name,
                                           entry->arg_description ? " " : "",
                                           entry->arg_description ? entry->arg_description : "");
    print_entry(tag, entry->description);
}

static void command(const MppCommand *command, const GOptionEntry *entries)
{
    g_autofree char *usage = g_strdup_printf("mpplan %s [OPTION...]%s%s", command->name, *command->arguments ? " " : "",
                                             command->arguments);
    print_line(".SS", usage);
    print_line("", command->summary);
    for (const GOptionEntry *entry = entries; entry->long_name; entry++)
        if (mpp_describe_is_option(entry))
            print_option(entry);
    print_examples(command->examples);
}

static void print_strategy(void)
{
    printf(".SH STRATEGIES\n"
           "A strategy is a list like \\fBdp=4,tp=8,pp=2,mbs=1,zero=1,sp,recompute=selective\\fR; \\fBrecompute=full:3\\fR and "
           "\\fBrecompute=offload:8\\fR name layers, \\fBrecompute=selective:layernorm+moe_act\\fR modules. A file names the fields in full:\n");
    for (int i = 0; i < mpp_strategy_fields.n_rows; i++)
        print_entry(mpp_strategy_fields.rows[i].name, mpp_strategy_fields.rows[i].help);
}

static void end(void)
{
    print_strategy();
    printf(".SH EXIT STATUS\n");
    static const struct {
        const char *status, *meaning;
    } rows[] = {
        { "0", "Done." },
        { "1", "A file could not be read or written, or a computation failed." },
        { "2", "The command line is wrong." },
        { "3", "No plan fits." },
        { "4", "Measured and predicted differ by more than allowed." },
        { "5", "An input is wrong; the message tells where." },
        { "130, 143", "Interrupted, or terminated; plan then tells the best so far." },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        print_entry(rows[i].status, rows[i].meaning);
    printf(".SH ENVIRONMENT\n");
    print_entry("NO_COLOR", "If set, output has no colour.");
}

const MppDescription mpp_description_man = { .name = "man", .begin = begin, .command = command, .end = end };
