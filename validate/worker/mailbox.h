/**
 * Messages between pipeline stages: what a rank has received, will send, or hands to its own next chunk.
 *
 * Between two ranks messages keep the order in which the sender's program sends them; a receiver that needs a later
 * one first takes in those before it.
 */
#pragma once

#include "planner/schedule/program.h"
#include "validate/net/net.h"

typedef struct MppMailbox MppMailbox;

/** Messages are as large as what enters chunks of @net. What it is given is borrowed. */
MppMailbox *mpp_mailbox_new(const MppNet *net, const MppProgram *program);
void mpp_mailbox_free(MppMailbox *mailbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppMailbox, mpp_mailbox_free)

/** What the forward or backward pass of @chunk on @micro_batch takes in. @buffer is taken over. */
void mpp_mailbox_put(MppMailbox *mailbox, bool forward, int64_t chunk, int64_t micro_batch, MppBuffer *buffer);

/** Returns: the buffer put or received, the caller's; NULL when there is none. */
MppBuffer *mpp_mailbox_take(MppMailbox *mailbox, bool forward, int64_t chunk, int64_t micro_batch);

/** Starts to send what was put for the chunk after @action's. */
void mpp_mailbox_send(MppMailbox *mailbox, const MppAction *action);

/** Waits for the input of @action's pass and puts it. */
void mpp_mailbox_receive(MppMailbox *mailbox, const MppAction *action);

/** Waits for all that is sent; a new step may begin. */
void mpp_mailbox_finish(MppMailbox *mailbox);
