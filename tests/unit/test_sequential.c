#include "planner/spec/model.h"

#include "tests/support/expect.h"

static MppModel *read_net(const char *input, const char *layers, GError **error)
{
    g_autofree char *text = g_strdup_printf("{\"name\": \"net\", \"input\": {%s}, \"sequential\": [%s]}", input, layers);
    g_autoptr(MppJson) json = mpp_expect_json(text);
    return mpp_model_read(json, error);
}

/** "conv 6×9×7>4×5×4 k3x3 s2 p1 g1 [out]; …": every part of a layer. */
static char *parts_text(const MppLayerKind *kind)
{
    static const char *const kinds[] = { "conv", "linear", "shortcut", "max", "mean" };
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < kind->parts->len; i++) {
        const MppPart *p = &g_array_index(kind->parts, MppPart, i);
        g_string_append_printf(text, "%s%s %dx%dx%d>%dx%dx%d k%dx%d s%d p%d%s%s", i ? "; " : "", kinds[p->kind], (int)p->in.channels,
                               (int)p->in.height, (int)p->in.width, (int)p->out.channels, (int)p->out.height, (int)p->out.width,
                               (int)p->kernel_height, (int)p->kernel_width, (int)p->stride, (int)p->padding,
                               p->split_in ? " in" : "", p->split_out ? " out" : "");
    }
    return g_strdup(text->str);
}

#define IMAGE "\"channels\": 6, \"height\": 9, \"width\": 7"
#define HEAD ", {\"ops\": [{\"linear\": 5}]}"

/** Shapes, defaults, and which products are pairs for tensor parallelism. */
static const struct {
    const char *layer, *parts;
} rows[] = {
    { "{\"ops\": [{\"conv\": 4, \"kernel\": 3}]}", "conv 6x9x7>4x9x7 k3x3 s1 p1" },
    { "{\"ops\": [{\"conv\": 4, \"kernel\": 4, \"stride\": 3, \"padding\": 2}]}", "conv 6x9x7>4x4x3 k4x4 s3 p2" },
    { "{\"ops\": [{\"max_pool\": 2}, {\"average_pool\": 3, \"stride\": 1, \"padding\": 1}]}",
      "max 6x9x7>6x4x3 k2x2 s2 p0; mean 6x4x3>6x4x3 k3x3 s1 p1" },
    { "{\"ops\": [{\"linear\": 4}, {\"linear\": 8}]}", "linear 6x9x7>4x1x1 k9x7 s1 p0 out; linear 4x1x1>8x1x1 k1x1 s1 p0 in" },
    { "{\"ops\": [{\"conv\": 4, \"kernel\": 1}, {\"max_pool\": 3}, {\"conv\": 2, \"kernel\": 1}, {\"conv\": 8, \"kernel\": 1}]}",
      "conv 6x9x7>4x9x7 k1x1 s1 p0 out; max 4x9x7>4x3x2 k3x3 s3 p0 in out; conv 4x3x2>2x3x2 k1x1 s1 p0 in; conv 2x3x2>8x3x2 k1x1 s1 p0" },
    { "{\"ops\": [{\"conv\": 4, \"kernel\": 1, \"norm\": \"layernorm\"}, {\"conv\": 2, \"kernel\": 1}, {\"conv\": 8, \"kernel\": 1}]}",
      "conv 6x9x7>4x9x7 k1x1 s1 p0; conv 4x9x7>2x9x7 k1x1 s1 p0 out; conv 2x9x7>8x9x7 k1x1 s1 p0 in" },
    { "{\"ops\": [{\"conv\": 4, \"kernel\": 1}, {\"conv\": 4, \"kernel\": 3, \"groups\": 2}, {\"conv\": 8, \"kernel\": 1}]}",
      "conv 6x9x7>4x9x7 k1x1 s1 p0; conv 4x9x7>4x9x7 k3x3 s1 p1; conv 4x9x7>8x9x7 k1x1 s1 p0" },
    { "{\"residual\": true, \"ops\": [{\"conv\": 6, \"kernel\": 3}]}", "conv 6x9x7>6x9x7 k3x3 s1 p1" },
    { "{\"residual\": true, \"ops\": [{\"conv\": 6, \"kernel\": 3, \"stride\": 2}]}",
      "conv 6x9x7>6x5x4 k3x3 s2 p1; shortcut 6x9x7>6x5x4 k1x1 s2 p0" },
};

static void test_parts(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *layers = g_strconcat(rows[i].layer, HEAD, NULL);
        g_autoptr(MppModel) model = read_net(IMAGE, layers, &error);
        g_assert_no_error(error);
        g_autofree char *parts = parts_text(&model->kinds[0]);
        g_assert_cmpstr(parts, ==, rows[i].parts);
    }
}

/** A repeated layer is of one kind as long as what enters it has one shape. */
static void test_kinds(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppModel) model =
        read_net(IMAGE, "{\"repeat\": 3, \"residual\": true, \"ops\": [{\"conv\": 8, \"kernel\": 3}]}" HEAD, &error);
    g_assert_no_error(error);
    g_assert_cmpint(model->n_layers, ==, 4);
    g_assert_cmpint(model->n_kinds, ==, 3);
    static const uint8_t kinds[] = { 0, 1, 1, 2 };
    g_assert_cmpmem(model->kind_of_layer, 4, kinds, 4);
    g_assert_cmpint(model->classes, ==, 5);
    g_assert_cmpint(mpp_shape_elements(mpp_model_shape_at(model, 0)), ==, 6 * 63);
    g_assert_cmpint(mpp_shape_elements(mpp_model_shape_at(model, 1)), ==, 8 * 63);
    g_assert_cmpint(mpp_shape_elements(mpp_model_shape_at(model, 4)), ==, 5);
    g_assert_cmpfloat(mpp_model_widest(model), ==, 8 * 63);
    MppKindCounts counts;
    mpp_model_count_kinds(model, 1, 3, &counts);
    g_assert_true(counts.n[0] == 0 && counts.n[1] == 2 && counts.n[2] == 1);
}

/** Weights, biases or norms; what a groups' channel reads is a part of the input. */
static void test_sums(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppModel) model = read_net(
        IMAGE, "{\"ops\": [{\"conv\": 8, \"kernel\": 3, \"groups\": 2, \"norm\": \"batchnorm\"}, {\"conv\": 3, \"kernel\": 1}]}" HEAD, &error);
    g_assert_no_error(error);
    const MppPart *first = &g_array_index(model->kinds[0].parts, MppPart, 0), *second = first + 1;
    g_assert_cmpfloat(mpp_part_parameters(first), ==, 8 * 3 * 9 + 16);
    g_assert_cmpfloat(mpp_part_products(first), ==, 63 * 8 * 3 * 9);
    g_assert_cmpfloat(mpp_part_parameters(second), ==, 8 * 3 + 3);
    g_assert_true(mpp_part_gathers(first) && !mpp_part_gathers(second));
}

/** Without a file behind it an error names the layer. */
static void test_error_without_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppModel) model = read_net(IMAGE, "{\"ops\": [{\"conv\": 8, \"kernel\": 3}]}" HEAD, &error);
    g_assert_no_error(error);
    MppSequentialOp *op = &g_array_index(g_array_index(model->sequential, MppSequentialLayer, 0).ops, MppSequentialOp, 0);
    op->kernel = 12;
    op->padding = 0;
    GError *refused = NULL;
    g_assert_false(mpp_model_finish(model, NULL, NULL, &refused));
    mpp_expect_error(&refused, MPP_ERROR, MPP_ERROR_INVALID,
                     "layer 0 of the list: a window of 12 × 12 does not fit into 9 × 7 pixels");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sequential/parts", test_parts);
    g_test_add_func("/sequential/kinds", test_kinds);
    g_test_add_func("/sequential/sums", test_sums);
    g_test_add_func("/sequential/error-without-file", test_error_without_file);
    return g_test_run();
}
