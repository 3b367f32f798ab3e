/**
 * Which strategies a job allows. Every rule is one row with its own id and message.
 *
 * ILLEGAL rules come from arithmetic or from the stack (`origin` names the framework's own check); ADVICE rules
 * only keep search away from what never pays, and a given strategy that breaks one is warned about.
 */
#pragma once

#include "planner/spec/job.h"
#include "planner/spec/strategy.h"

typedef enum { MPP_RULE_ILLEGAL, MPP_RULE_ADVICE } MppRuleKind;

typedef struct {
    const char *id; /* "tp-heads" */
    MppRuleKind kind;
    const char *origin;
    /** Returns: NULL when kept, else the message; the caller frees it. */
    char *(*broken)(const MppJob *job, const MppStrategy *strategy);
} MppRule;

/** Whether @model has @module as something that can be computed again by itself. */
bool mpp_rules_has_module(const MppModel *model, MppModule module);

/** Whether experts' exchange runs beside another micro-batch's pass. */
bool mpp_rules_experts_beside(const MppJob *job, const MppStrategy *strategy);

/** Whether attention over context-parallel ranks takes keys block by block, as they came, instead of all at once. */
bool mpp_rules_keys_in_blocks(const MppJob *job, MppCpKind kind);

/** Whether the job's model, sequence and stack go with the strategy's cp and cp_kind, given its tp. */
bool mpp_rules_context_legal(const MppJob *job, const MppStrategy *strategy);

int mpp_rules_count(void);
const MppRule *mpp_rules_get(int index);

/** Index of the first rule of @kind that @strategy breaks, or -1. */
int mpp_rules_first_broken(MppRuleKind kind, const MppJob *job, const MppStrategy *strategy);

/** Error: MPP_ERROR_INVALID, "… [id]", for the first illegal rule broken. */
bool mpp_rules_check(const MppJob *job, const MppStrategy *strategy, GError **error) G_GNUC_WARN_UNUSED_RESULT;
