#include "validate/net/routing.h"

static const MppRankGroup *group_of(const MppRouting *routing)
{
    return &routing->place->groups[MPP_GROUP_EXPERTS];
}

/** Sorts the copies of the tokens by the expert's rank and the expert: fills tokens and slots, returns rows by member and expert. */
static int32_t *sort_tokens(MppRouting *routing, const int32_t *chosen, int64_t n, int64_t topk, int32_t *tokens, int32_t *slots)
{
    int64_t etp = routing->place->strategy->etp, local = routing->n_experts, members = group_of(routing)->n;
    int32_t *rows = g_new0(int32_t, members * local);
    g_autofree int64_t *next = g_new0(int64_t, members * local);
    for (int64_t i = 0; i < n * topk; i++)
        for (int64_t part = 0; part < etp; part++)
            rows[(chosen[i] / local * etp + part) * local + chosen[i] % local]++;
    for (int64_t i = 1; i < members * local; i++)
        next[i] = next[i - 1] + rows[i - 1];
    for (int64_t i = 0; i < n * topk; i++)
        for (int64_t part = 0; part < etp; part++) {
            int64_t place = next[(chosen[i] / local * etp + part) * local + chosen[i] % local]++;
            tokens[place] = (int32_t)(i / topk);
            slots[place] = (int32_t)i;
        }
    return rows;
}

/** Tells every member how many rows of each of its experts it gets from here; returns what this one gets. */
static int32_t *exchange_counts(const MppRouting *routing, const int32_t *rows)
{
    const MppRank *rank = routing->place->rank;
    int64_t members = group_of(routing)->n, local = routing->n_experts;
    int32_t *received = g_new0(int32_t, members * local);
    g_autofree int64_t *one_each = g_new(int64_t, members);
    for (int64_t m = 0; m < members; m++)
        one_each[m] = 1;
    g_autoptr(MppBuffer) out = mpp_buffer_of(rank, MPP_ELEMENT_I32, members, local, rows);
    g_autoptr(MppBuffer) in = mpp_buffer_of(rank, MPP_ELEMENT_I32, members, local, rows);
    if (group_of(routing)->handle)
        mpp_run(rank, all_to_all, group_of(routing)->handle, in->tensor, one_each, out->tensor, one_each);
    mpp_run(rank, download, received, in->tensor.data, (size_t)(members * local) * sizeof(int32_t));
    return received;
}

/** Rows come by member and expert; the order wanted is by expert and member. */
static MppBuffer *order_of(const MppRouting *routing, const int32_t *received)
{
    int64_t members = group_of(routing)->n, local = routing->n_experts, at = 0;
    g_autofree int32_t *order = g_new(int32_t, MAX(1, routing->n_received));
    g_autofree int64_t *first = g_new0(int64_t, members * local);
    for (int64_t i = 1; i < members * local; i++)
        first[i] = first[i - 1] + received[i - 1];
    for (int64_t e = 0; e < local; e++)
        for (int64_t m = 0; m < members; m++)
            for (int64_t i = 0; i < received[m * local + e]; i++)
                order[at++] = (int32_t)(first[m * local + e] + i);
    return mpp_buffer_of(routing->place->rank, MPP_ELEMENT_I32, routing->n_received, 1, order);
}

static void count_rows(MppRouting *routing, const int32_t *sent, const int32_t *received)
{
    int64_t members = group_of(routing)->n, local = routing->n_experts;
    for (int64_t m = 0; m < members; m++)
        for (int64_t e = 0; e < local; e++) {
            routing->sent_rows[m] += sent[m * local + e];
            routing->received_rows[m] += received[m * local + e];
            routing->expert_rows[e] += received[m * local + e];
            routing->n_received += received[m * local + e];
        }
}

MppRouting *mpp_routing_new(const MppPlace *place, int64_t experts, const MppBuffer *chosen)
{
    MppRouting *routing = g_new0(MppRouting, 1);
    int64_t n = chosen->tensor.rows, topk = chosen->tensor.columns;
    *routing = (MppRouting){ .place = place, .n_experts = experts / place->strategy->ep };
    routing->n_sent = n * topk * place->strategy->etp;
    int64_t members = group_of(routing)->n;
    routing->sent_rows = g_new0(int64_t, members);
    routing->received_rows = g_new0(int64_t, members);
    routing->expert_rows = g_new0(int64_t, routing->n_experts);

    g_autofree int32_t *host = g_new0(int32_t, n * topk), *tokens = g_new(int32_t, routing->n_sent),
                       *slots = g_new(int32_t, routing->n_sent);
    mpp_run(place->rank, download, host, chosen->tensor.data, (size_t)(n * topk) * sizeof(int32_t));
    g_autofree int32_t *sent = sort_tokens(routing, host, n, topk, tokens, slots);
    g_autofree int32_t *received = exchange_counts(routing, sent);
    count_rows(routing, sent, received);
    routing->tokens = mpp_buffer_of(place->rank, MPP_ELEMENT_I32, routing->n_sent, 1, tokens);
    routing->slots = mpp_buffer_of(place->rank, MPP_ELEMENT_I32, routing->n_sent, 1, slots);
    routing->order = group_of(routing)->handle ? order_of(routing, received) : NULL;
    return routing;
}

void mpp_routing_free(MppRouting *routing)
{
    if (!routing)
        return;
    g_free(routing->sent_rows);
    g_free(routing->received_rows);
    g_free(routing->expert_rows);
    mpp_buffer_drop(routing->tokens);
    mpp_buffer_drop(routing->slots);
    mpp_buffer_drop(routing->order);
    g_free(routing);
}

MppBuffer *mpp_routing_send(const MppRouting *routing, MppBuffer *rows)
{
    if (!routing->order)
        return mpp_buffer_hold(rows);
    const MppRank *rank = routing->place->rank;
    int64_t width = rows->tensor.columns;
    MppElement element = rows->tensor.element;
    g_autoptr(MppBuffer) received = mpp_buffer_new(rank, element, routing->n_received, width);
    mpp_run(rank, all_to_all, group_of(routing)->handle, received->tensor, routing->received_rows, rows->tensor,
            routing->sent_rows);
    MppBuffer *ordered = mpp_buffer_new(rank, element, routing->n_received, width);
    mpp_run(rank, take_rows, ordered->tensor, received->tensor, routing->order->tensor, 0);
    return ordered;
}

MppBuffer *mpp_routing_return(const MppRouting *routing, MppBuffer *rows)
{
    if (!routing->order)
        return mpp_buffer_hold(rows);
    const MppRank *rank = routing->place->rank;
    int64_t width = rows->tensor.columns;
    MppElement element = rows->tensor.element;
    g_autoptr(MppBuffer) received = mpp_buffer_zeros(rank, element, routing->n_received, width);
    mpp_run(rank, add_rows, received->tensor, rows->tensor, routing->order->tensor, 0);
    MppBuffer *returned = mpp_buffer_new(rank, element, routing->n_sent, width);
    mpp_run(rank, all_to_all, group_of(routing)->handle, returned->tensor, routing->sent_rows, received->tensor,
            routing->received_rows);
    return returned;
}
