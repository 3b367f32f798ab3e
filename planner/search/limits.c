#include "planner/search/limits.h"

bool mpp_limits_fix(const MppSpaceLimits *limits, const char *field)
{
    return limits->fields && (limits->fields & mpp_strategy_field(field));
}

bool mpp_limits_allow(const MppSpaceLimits *limits, const char *field, int64_t fixed, int64_t value)
{
    return !mpp_limits_fix(limits, field) || fixed == value;
}

bool mpp_limits_bar(const MppSpaceLimits *limits, const MppStrategy *strategy)
{
    return limits->without && (limits->without & mpp_techniques_of(strategy));
}
