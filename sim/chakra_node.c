#include "sim/chakra_node.h"

#include <math.h>

void mpp_chakra_node_begin(MppChakraNode *node, uint64_t id, Chakra__NodeKind kind, const char *name)
{
    chakra__node__init(&node->node);
    node->node.id = id;
    node->node.name = (char *)name;
    node->node.kind = kind;
    node->node.data_dependencies = node->dependencies;
    node->node.attributes = node->attribute_list;
}

void mpp_chakra_node_depend(MppChakraNode *node, uint64_t id)
{
    g_assert(node->node.n_data_dependencies < MPP_CHAKRA_MOST_DEPENDENCIES);
    if (id)
        node->dependencies[node->node.n_data_dependencies++] = id;
}

static Chakra__Attribute *add(MppChakraNode *node, const char *name, Chakra__Attribute__ValueCase kind)
{
    g_assert(node->node.n_attributes < MPP_CHAKRA_MOST_ATTRIBUTES);
    Chakra__Attribute *attribute = &node->attributes[node->node.n_attributes];
    chakra__attribute__init(attribute);
    attribute->name = (char *)name;
    attribute->value_case = kind;
    node->attribute_list[node->node.n_attributes++] = attribute;
    return attribute;
}

void mpp_chakra_node_add_bool(MppChakraNode *node, const char *name, bool value)
{
    add(node, name, CHAKRA__ATTRIBUTE__VALUE_BOOL_VALUE)->bool_value = value;
}

void mpp_chakra_node_add_int32(MppChakraNode *node, const char *name, int64_t value)
{
    add(node, name, CHAKRA__ATTRIBUTE__VALUE_INT32_VALUE)->int32_value = (int32_t)value;
}

void mpp_chakra_node_add_int64(MppChakraNode *node, const char *name, double value)
{
    add(node, name, CHAKRA__ATTRIBUTE__VALUE_INT64_VALUE)->int64_value = (int64_t)llround(value);
}

void mpp_chakra_node_add_string(MppChakraNode *node, const char *name, const char *value)
{
    add(node, name, CHAKRA__ATTRIBUTE__VALUE_STRING_VALUE)->string_value = (char *)value;
}

/** The length is a protobuf varint: seven bits a byte, lowest first, the highest bit set on all but the last. */
void mpp_chakra_node_put(const ProtobufCMessage *message, GByteArray *packed, MppOutput *output)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    uint8_t length[10];
    int n_length = 0;
    size_t rest = n;
    do {
        length[n_length++] = (uint8_t)((rest & 0x7f) | (rest >> 7 ? 0x80 : 0));
        rest >>= 7;
    } while (rest);
    g_byte_array_set_size(packed, (guint)n);
    protobuf_c_message_pack(message, packed->data);
    mpp_output_bytes(output, length, (size_t)n_length);
    mpp_output_bytes(output, packed->data, n);
}
