#include "planner/runs/run_test_name.h"

#include <glib.h>
#include <string.h>

MppRunTestName mpp_run_test_name(const char *name)
{
    if (!name || !strstr(name, "mcore"))
        return (MppRunTestName){ .sharded_parts = 1 };
    const char *etp = strstr(name, "_etp");
    return (MppRunTestName){
        .named = true,
        .own_layers = !strstr(name, "_te"),
        .loss_fused = strstr(name, "cross_entropy_loss_fusion"),
        .any_order = strstr(name, "nondeterministic") || strstr(name, "_reshard_"),
        .recomputes_all = strstr(name, "uniform_full_recompute"),
        .sharded_parts = strstr(name, "multi_dist_optimizer_instances") ? 2 : 1,
        .etp = etp ? (int64_t)g_ascii_strtoull(etp + strlen("_etp"), NULL, 10) : 0,
    };
}
