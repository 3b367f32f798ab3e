#include "sim/chakra_node.h"

#include <string.h>

/** The wire bytes, by hand after protobuf.dev/programming-guides/encoding and the schema's field numbers. */
static void test_bytes(void)
{
    MppChakraNode node;
    mpp_chakra_node_begin(&node, 300, CHAKRA__NODE_KIND__COLLECTIVE, "F3");
    mpp_chakra_node_depend(&node, 5);
    mpp_chakra_node_depend(&node, 0);
    mpp_chakra_node_depend(&node, 9);
    node.node.duration_us = 150;
    mpp_chakra_node_add_bool(&node, "b", true);
    mpp_chakra_node_add_int32(&node, "c", 3);
    mpp_chakra_node_add_int64(&node, "d", 129.6);
    mpp_chakra_node_add_string(&node, "e", "xy");
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    g_autoptr(GByteArray) packed = g_byte_array_new();
    mpp_chakra_node_put(&node.node.base, packed, output);
    static const uint8_t bytes[] = {
        49,                                                     /* length of the message */
        0x08, 0xac, 0x02,                                       /* 1, id: 300 */
        0x12, 2,    'F',  '3',                                  /* 2, name */
        0x18, 7,                                                /* 3, type: a collective */
        0x2a, 2,    5,    9,                                    /* 5, data_deps, packed */
        0x38, 0x96, 0x01,                                       /* 7, duration_micros: 150 */
        0x52, 6,    0x0a, 1,   'b', 0xd8, 0x01, 1,              /* 10, attr: 27, bool_val */
        0x52, 5,    0x0a, 1,   'c', 0x38, 3,                    /* 7, int32_val */
        0x52, 6,    0x0a, 1,   'd', 0x48, 0x82, 0x01,           /* 9, int64_val: 130 */
        0x52, 8,    0x0a, 1,   'e', 0xea, 0x01, 2,    'x', 'y', /* 29, string_val */
    };
    g_assert_cmpmem(mpp_output_content(output)->str, mpp_output_content(output)->len, bytes, sizeof bytes);
}

/** Lengths from 128 on take two bytes. */
static void test_length(void)
{
    char name[301];
    memset(name, 'n', sizeof name);
    name[300] = '\0';
    MppChakraNode node;
    mpp_chakra_node_begin(&node, 1, CHAKRA__NODE_KIND__COMPUTE, name);
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    g_autoptr(GByteArray) packed = g_byte_array_new();
    mpp_chakra_node_put(&node.node.base, packed, output);
    const GString *content = mpp_output_content(output);
    size_t n = 2 + 3 + 300 + 2; /* id, name, kind */
    g_assert_cmpuint(content->len, ==, n + 2);
    g_assert_cmpuint((uint8_t)content->str[0], ==, 0x80 | (n & 0x7f));
    g_assert_cmpuint((uint8_t)content->str[1], ==, n >> 7);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chakra-node/bytes", test_bytes);
    g_test_add_func("/chakra-node/length", test_length);
    return g_test_run();
}
