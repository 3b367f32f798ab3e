/**
 * A plan as one self-contained page: data, style and script in it, nothing fetched.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/spec/inputs.h"

/** Another plan of the search. */
typedef struct {
    const MppStrategy *strategy; /* borrowed */
    const MppEstimate *estimate; /* borrowed */
    char *reason;                /* why it loses; owned by the caller */
} MppPageRow;

typedef struct {
    const MppInputs *inputs;
    const MppStrategy *strategy;
    const char *verdict;  /* what the search proved, or NULL */
    const GArray *others; /* MppPageRow: alternatives */
    const GArray *front;  /* MppPageRow: step time against memory */
} MppPageQuestion;

/** All that the page shows. Errors: none of a legal strategy. */
cJSON *mpp_page_data(const MppPageQuestion *question);

typedef enum { MPP_PAGE_PLAN, MPP_PAGE_ACCURACY } MppPageKind;

/** The page of that kind with @data in it. */
char *mpp_page_html(MppPageKind kind, const cJSON *data);
