#include "planner/schedule/order.h"

static const char *const pass_names[MPP_N_PASSES] = { "F", "B", "I", "W" };
const MppNames mpp_pass_names = MPP_NAMES("pass", pass_names);

MppOrder *mpp_order_new(int64_t pp, int64_t n_chunks, int64_t micro_batches)
{
    MppOrder *order = g_new0(MppOrder, 1);
    order->pp = (int32_t)pp;
    order->n_chunks = (int32_t)n_chunks;
    order->micro_batches = (int32_t)micro_batches;
    order->n_routes = 1;
    order->rank_of = g_new(int32_t, n_chunks);
    order->route_of = g_new0(int32_t, micro_batches);
    order->slots = g_new(GArray *, pp);
    for (int64_t c = 0; c < n_chunks; c++)
        order->rank_of[c] = (int32_t)(c % pp);
    for (int64_t k = 0; k < pp; k++)
        order->slots[k] = g_array_new(FALSE, FALSE, sizeof(MppSlot));
    return order;
}

void mpp_order_free(MppOrder *order)
{
    if (!order)
        return;
    for (int32_t k = 0; k < order->pp; k++)
        g_array_unref(order->slots[k]);
    g_free(order->slots);
    g_free(order->route_of);
    g_free(order->rank_of);
    g_free(order);
}

void mpp_order_add(MppOrder *order, MppPass pass, int64_t chunk, int64_t micro_batch)
{
    MppSlot slot = { pass, (int32_t)chunk, (int32_t)micro_batch };
    g_array_append_val(order->slots[order->rank_of[chunk]], slot);
}

char *mpp_slot_to_text(const MppSlot *slot)
{
    return g_strdup_printf("%d%s%d", slot->chunk, mpp_names_get(&mpp_pass_names, slot->pass), slot->micro_batch);
}

int64_t mpp_order_route(const MppOrder *order, int64_t micro_batch, int64_t *n_visited)
{
    *n_visited = order->n_chunks / order->n_routes;
    return order->route_of[micro_batch] * *n_visited;
}

bool mpp_order_begins(const MppOrder *order, int64_t chunk)
{
    return chunk % (order->n_chunks / order->n_routes) == 0;
}

bool mpp_order_ends(const MppOrder *order, int64_t chunk)
{
    return mpp_order_begins(order, chunk + 1);
}

bool mpp_order_splits_backward(const MppOrder *order)
{
    for (int32_t k = 0; k < order->pp; k++)
        for (guint i = 0; i < order->slots[k]->len; i++)
            if (g_array_index(order->slots[k], MppSlot, i).pass == MPP_PASS_WEIGHT)
                return true;
    return false;
}
