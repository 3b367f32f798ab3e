/**
 * Messages of a Chakra trace, put together on the stack and written with their length in front.
 */
#pragma once

#include "sim/chakra.pb-c.h"
#include "sim/output.h"

enum { MPP_CHAKRA_MOST_DEPENDENCIES = 3, MPP_CHAKRA_MOST_ATTRIBUTES = 6 };

/** Points into itself: not to be copied. */
typedef struct {
    Chakra__Node node;
    uint64_t dependencies[MPP_CHAKRA_MOST_DEPENDENCIES];
    Chakra__Attribute attributes[MPP_CHAKRA_MOST_ATTRIBUTES], *attribute_list[MPP_CHAKRA_MOST_ATTRIBUTES];
} MppChakraNode;

/** @name is borrowed. */
void mpp_chakra_node_begin(MppChakraNode *node, uint64_t id, Chakra__NodeKind kind, const char *name);

/** The node waits for node @id; for none if that is 0. */
void mpp_chakra_node_depend(MppChakraNode *node, uint64_t id);

/** Names and strings are borrowed; doubles are rounded. */
void mpp_chakra_node_add_bool(MppChakraNode *node, const char *name, bool value);
void mpp_chakra_node_add_int32(MppChakraNode *node, const char *name, int64_t value);
void mpp_chakra_node_add_int64(MppChakraNode *node, const char *name, double value);
void mpp_chakra_node_add_string(MppChakraNode *node, const char *name, const char *value);

/** Writes a message of a trace. @packed: room that is reused. */
void mpp_chakra_node_put(const ProtobufCMessage *message, GByteArray *packed, MppOutput *output);
