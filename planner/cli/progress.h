/**
 * A search as a command runs it: with progress on a terminal.
 */
#pragma once

#include "planner/search/search.h"

/** mpp_search_run() that says on a terminal's standard error how far it is, from the first second on; not when @quiet. */
MppSearchResult *mpp_progress_search(const MppJob *job, const MppSearchOptions *options, bool quiet);

/** The same, which SIGINT stops: the result's counts tell what was not judged. */
MppSearchResult *mpp_progress_search_until_interrupted(const MppJob *job, const MppSearchOptions *options, bool quiet);
