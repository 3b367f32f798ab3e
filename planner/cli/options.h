/**
 * Options that state a job, shared by every command that takes one.
 */
#pragma once

#include "planner/api/job_words.h"

enum { MPP_N_JOB_ENTRIES = 15 };

/** Fills @entries (MPP_N_JOB_ENTRIES of them, the last empty) to parse into @words. */
void mpp_job_options_entries(MppJobWords *words, GOptionEntry *entries);

/** What was given, as arguments for a shell: "--model gpt.json --gpus 8". */
char *mpp_job_options_to_text(const MppJobWords *words);

/** Frees the texts that the options of @entries, which an empty one ends, were given. */
void mpp_options_clear(const GOptionEntry *entries);
