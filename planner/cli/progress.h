/**
 * A search as a command runs it: with progress on a terminal.
 */
#pragma once

#include "planner/api/plan_answer.h"

/** mpp_search_run() that says on a terminal's standard error how far it is, from the first second on. */
MppSearchResult *mpp_progress_search(const MppJob *job, const MppSearchOptions *options);

/** The same, which SIGINT stops: the result's counts tell what was not judged. @quiet: it says nothing. */
MppSearcher mpp_progress_until_interrupted(bool quiet);
