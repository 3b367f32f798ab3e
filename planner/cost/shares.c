#include "planner/cost/shares.h"

#define SHARE(share, name, title) name,
static const char *const names[] = { MPP_SHARES(SHARE) };
#undef SHARE
#define SHARE(share, name, title) title,
static const char *const titles[] = { MPP_SHARES(SHARE) };
#undef SHARE

const MppNames mpp_share_names = MPP_NAMES("share", names);
const MppNames mpp_share_titles = MPP_NAMES("share", titles);

double mpp_shares_sum(const MppShares *shares)
{
    double sum = 0;
    for (int i = 0; i < MPP_N_SHARES; i++)
        sum += shares->s[i];
    return sum;
}

void mpp_shares_add(MppShares *inout, double factor, const MppShares *other)
{
    for (int i = 0; i < MPP_N_SHARES; i++)
        inout->s[i] += factor * other->s[i];
}
