/**
 * Records a forward pass so that it can be run backwards: reverse-mode differentiation over matrices.
 *
 * Layers are written forwards only (validate/net/nodes.h). Each operation adds a node that keeps what its backward
 * pass needs; values nobody keeps are freed as the pass goes on, so memory is what a training stack would hold.
 * An operation takes over its caller's hold on each input; a value used twice is held twice.
 *
 * Gradients of weights can be put off (zero-bubble schedules, arXiv:2401.10241): a tape that splits collects them
 * as work for mpp_tape_weights().
 */
#pragma once

#include "validate/net/laps.h"
#include "validate/net/rank.h"

typedef struct MppTape MppTape;
typedef struct MppNode MppNode;

/** A matrix on the way through the net. Owned by its tape. */
typedef struct {
    int holds; /* of the forward pass */
    MppElement element;
    int64_t rows, columns;
    MppBuffer *data;     /* NULL once no hold is left; nodes that need it hold the buffer */
    MppBuffer *gradient; /* NULL: none so far */
    const MppRank *rank;
} MppValue;

/** Gives gradients to the inputs. The output's is there, unless the node has none; it and what is saved are freed after. */
typedef void (*MppBackward)(MppTape *tape, MppNode *node);

enum { MPP_NODE_INPUTS = 2, MPP_NODE_SAVED = 5 };

/** First member of every operation's own node. */
struct MppNode {
    const char *name; /* its time counts under this; NULL: it is made of others that count */
    MppBackward backward;
    MppValue *inputs[MPP_NODE_INPUTS], *output;
    MppBuffer *saved[MPP_NODE_SAVED];
    gpointer owned; /* freed with what is saved; NULL: nothing */
    GDestroyNotify free_owned;
};

/** @times: where the time of each operation goes, or NULL. */
MppTape *mpp_tape_new(const MppRank *rank, MppLaps *times);
void mpp_tape_free(MppTape *tape);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppTape, mpp_tape_free)

const MppRank *mpp_tape_rank(const MppTape *tape);

/** A value with one hold; takes @data over. */
MppValue *mpp_tape_value(MppTape *tape, MppBuffer *data);

/** A new value of that size, to be filled. */
MppValue *mpp_tape_result(MppTape *tape, MppElement element, int64_t rows, int64_t columns);

MppValue *mpp_value_hold(MppValue *value);
void mpp_value_drop(MppValue *value);

/** Adds to the value's gradient; takes @gradient over. */
void mpp_value_give(MppValue *value, MppBuffer *gradient);

/**
 * Records an operation that has been done on @x, its first input (NULL: it has none), and gave @y (NULL: nothing).
 * @size: of its own node, whose first member is an MppNode. Returns: the node, zeroed otherwise; the hold on @x is still the caller's.
 */
gpointer mpp_tape_add(MppTape *tape, size_t size, const char *name, MppBackward backward, MppValue *x, MppValue *y);

/** Runs all nodes backwards, once. @splits: gradients of weights are put off. */
void mpp_tape_backward(MppTape *tape, bool splits);

/** A part of the same pass that was recorded again; its weights' gradients are put off together with the whole's. */
MppTape *mpp_tape_part(MppTape *whole);
void mpp_tape_part_backward(MppTape *part, MppTape *whole);
void mpp_tape_part_free(MppTape *part, MppTape *whole);

/** gradient += dy^T x, now or when put off. The rows @first … + @n of both are meant. */
void mpp_tape_weight(MppTape *tape, const char *name, MppTensor gradient, MppBuffer *dy, MppBuffer *x, int64_t first, int64_t n);

/** Does what was put off. */
void mpp_tape_weights(MppTape *tape);
