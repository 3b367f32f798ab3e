#include "planner/base/fields.h"

#include <string.h>

#define AT(base, row, type) (*(type *)((char *)(base) + (row)->offset))
#define CONST_AT(base, row, type) (*(type const *)((const char *)(base) + (row)->offset))

static void default_row(const MppField *row, void *out)
{
    double value = isnan(row->fallback) ? 0 : row->fallback;
    switch (row->type) {
    case MPP_FIELD_TYPE_INT:
    case MPP_FIELD_TYPE_SET: AT(out, row, int64_t) = (int64_t)value; break;
    case MPP_FIELD_TYPE_DOUBLE: AT(out, row, double) = value; break;
    case MPP_FIELD_TYPE_BOOL: AT(out, row, bool) = value != 0; break;
    case MPP_FIELD_TYPE_ENUM: AT(out, row, int) = (int)value; break;
    case MPP_FIELD_TYPE_STRUCT: mpp_fields_default(row->table, (char *)out + row->offset); break;
    default: AT(out, row, void *) = NULL;
    }
}

void mpp_fields_default(const MppFields *fields, void *out)
{
    memset(out, 0, fields->size);
    for (int i = 0; i < fields->n_rows; i++)
        default_row(&fields->rows[i], out);
}

const MppField *mpp_fields_find(const MppFields *fields, const char *name)
{
    for (int i = 0; i < fields->n_rows; i++)
        if (strcmp(fields->rows[i].name, name) == 0)
            return &fields->rows[i];
    return NULL;
}

/** @at is the node that should have been a @expected; a place in an array says so by its own pointer. */
static bool wrong_type(const MppJson *json, const cJSON *at, const char *expected, GError **error)
{
    g_autofree char *got = mpp_json_describe(at);
    return mpp_json_error(error, json, at, MPP_ERROR_SCHEMA, "expected %s, got %s", expected, got);
}

static bool read_number(const MppField *row, const MppJson *json, const cJSON *node, bool whole, double *out,
                        GError **error)
{
    bool fits = cJSON_IsNumber(node) && node->valuedouble >= row->min && node->valuedouble <= row->max;
    if (!fits || (whole && floor(node->valuedouble) != node->valuedouble)) {
        g_autofree char *expected = g_strdup_printf("%s from %.15g to %.15g", whole ? "an integer" : "a number", row->min,
                                                    row->max);
        return wrong_type(json, node, expected, error);
    }
    *out = node->valuedouble;
    return true;
}

static bool read_enum(const MppField *row, const MppJson *json, const cJSON *node, int *out, GError **error)
{
    if (!cJSON_IsString(node))
        return wrong_type(json, node, "a string", error);
    *out = mpp_names_find(row->names, node->valuestring);
    if (*out >= 0)
        return true;
    g_autofree char *known = mpp_names_suggest(row->names->names, row->names->n_names, node->valuestring);
    return mpp_json_error(error, json, node, MPP_ERROR_SCHEMA, "unknown %s \"%s\"; known: %s", row->names->title,
                          node->valuestring, known);
}

static bool read_set(const MppField *row, const MppJson *json, const cJSON *node, int64_t *out, GError **error)
{
    if (!cJSON_IsArray(node))
        return wrong_type(json, node, "an array of strings", error);
    *out = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, node) {
        int value;
        if (!read_enum(row, json, item, &value, error))
            return false;
        *out |= (int64_t)1 << value;
    }
    return true;
}

static bool read_strings(const MppJson *json, const cJSON *node, GPtrArray **out, GError **error)
{
    if (!cJSON_IsArray(node))
        return wrong_type(json, node, "an array of strings", error);
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    const cJSON *item;
    cJSON_ArrayForEach(item, node) {
        if (!cJSON_IsString(item))
            return wrong_type(json, item, "a string", error);
        g_ptr_array_add(strings, g_strdup(item->valuestring));
    }
    *out = g_steal_pointer(&strings);
    return true;
}

static bool read_texts(const MppJson *json, const cJSON *node, GHashTable **out, GError **error)
{
    if (!cJSON_IsObject(node))
        return wrong_type(json, node, "an object of strings", error);
    g_autoptr(GHashTable) texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const cJSON *item;
    cJSON_ArrayForEach(item, node) {
        if (!cJSON_IsString(item))
            return wrong_type(json, item, "a string", error);
        g_hash_table_insert(texts, g_strdup(item->string), g_strdup(item->valuestring));
    }
    *out = g_steal_pointer(&texts);
    return true;
}

static bool read_numbers(const MppField *row, const MppJson *json, const cJSON *node, GArray **out, GError **error)
{
    bool whole = row->type == MPP_FIELD_TYPE_INTS;
    if (!cJSON_IsArray(node))
        return wrong_type(json, node, "an array of numbers", error);
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, whole ? sizeof(int64_t) : sizeof(double));
    const cJSON *item;
    cJSON_ArrayForEach(item, node) {
        double value;
        if (!read_number(row, json, item, whole, &value, error))
            return false;
        if (whole)
            g_array_append_vals(numbers, &(int64_t){ (int64_t)value }, 1);
        else
            g_array_append_val(numbers, value);
    }
    *out = g_steal_pointer(&numbers);
    return true;
}

static void clear_structs(const MppFields *table, GArray *structs)
{
    for (guint i = 0; structs && i < structs->len; i++)
        mpp_fields_clear(table, structs->data + i * table->size);
    if (structs)
        g_array_free(structs, TRUE);
}

static bool read_structs(const MppField *row, const MppJson *json, const cJSON *node, GArray **out, GError **error)
{
    if (!cJSON_IsArray(node))
        return wrong_type(json, node, "an array of objects", error);
    GArray *structs = g_array_new(FALSE, TRUE, row->table->size);
    const cJSON *item;
    cJSON_ArrayForEach(item, node) {
        g_array_set_size(structs, structs->len + 1);
        if (!mpp_fields_read(row->table, json, item, structs->data + (structs->len - 1) * row->table->size, error)) {
            clear_structs(row->table, structs);
            return false;
        }
    }
    *out = structs;
    return true;
}

static bool read_row(const MppField *row, const MppJson *json, const cJSON *node, void *out, GError **error)
{
    double number = 0;
    switch (row->type) {
    case MPP_FIELD_TYPE_INT:
        if (!read_number(row, json, node, true, &number, error))
            return false;
        AT(out, row, int64_t) = (int64_t)number;
        return true;
    case MPP_FIELD_TYPE_DOUBLE: return read_number(row, json, node, false, &AT(out, row, double), error);
    case MPP_FIELD_TYPE_BOOL:
        AT(out, row, bool) = cJSON_IsTrue(node);
        return cJSON_IsBool(node) || wrong_type(json, node, "true or false", error);
    case MPP_FIELD_TYPE_STRING:
        if (!cJSON_IsString(node))
            return wrong_type(json, node, "a string", error);
        AT(out, row, char *) = g_strdup(node->valuestring);
        return true;
    case MPP_FIELD_TYPE_ENUM: return read_enum(row, json, node, &AT(out, row, int), error);
    case MPP_FIELD_TYPE_SET: return read_set(row, json, node, &AT(out, row, int64_t), error);
    case MPP_FIELD_TYPE_STRUCT: return mpp_fields_read(row->table, json, node, (char *)out + row->offset, error);
    case MPP_FIELD_TYPE_STRUCTS: return read_structs(row, json, node, &AT(out, row, GArray *), error);
    case MPP_FIELD_TYPE_INTS:
    case MPP_FIELD_TYPE_DOUBLES: return read_numbers(row, json, node, &AT(out, row, GArray *), error);
    case MPP_FIELD_TYPE_TEXTS: return read_texts(json, node, &AT(out, row, GHashTable *), error);
    case MPP_FIELD_TYPE_STRINGS: return read_strings(json, node, &AT(out, row, GPtrArray *), error);
    }
    g_return_val_if_reached(false);
}

static bool unknown_member(const MppFields *fields, const MppJson *json, const cJSON *member, GError **error)
{
    g_autofree const char **known = g_new(const char *, fields->n_rows);
    for (int i = 0; i < fields->n_rows; i++)
        known[i] = fields->rows[i].name;
    g_autofree char *nearest = mpp_names_suggest(known, fields->n_rows, member->string);
    return mpp_json_error(error, json, member, MPP_ERROR_SCHEMA, "unknown %s field \"%s\"; known: %s", fields->title,
                          member->string, nearest);
}

const MppFields *mpp_fields_form(const MppFields *fields, const void *in)
{
    return fields->mark && CONST_AT(in, fields->mark, void *) ? fields->other : fields;
}

bool mpp_fields_read(const MppFields *fields, const MppJson *json, const cJSON *object, void *out, GError **error)
{
    fields = fields->mark && mpp_json_get(object, fields->mark->name) ? fields->other : fields;
    mpp_fields_default(fields, out);
    if (!cJSON_IsObject(object)) {
        g_autofree char *expected = g_strdup_printf("an object (%s)", fields->title);
        return wrong_type(json, object, expected, error);
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
        const MppField *row = mpp_fields_find(fields, member->string);
        if (fields->open && (!row || cJSON_IsNull(member)))
            continue;
        if (row ? !read_row(row, json, member, out, error) : !unknown_member(fields, json, member, error)) {
            mpp_fields_clear(fields, out);
            return false;
        }
    }
    for (int i = 0; i < fields->n_rows; i++) {
        const cJSON *given = mpp_json_get(object, fields->rows[i].name);
        if (isnan(fields->rows[i].fallback) && (!given || (fields->open && cJSON_IsNull(given)))) {
            mpp_fields_clear(fields, out);
            return mpp_json_error(error, json, object, MPP_ERROR_SCHEMA, "the %s field \"%s\" is missing (%s)", fields->title,
                                  fields->rows[i].name, fields->rows[i].help);
        }
    }
    return true;
}

void mpp_fields_clear(const MppFields *fields, void *inout)
{
    fields = mpp_fields_form(fields, inout);
    for (int i = 0; i < fields->n_rows; i++) {
        const MppField *row = &fields->rows[i];
        switch (row->type) {
        case MPP_FIELD_TYPE_STRING: g_clear_pointer(&AT(inout, row, char *), g_free); break;
        case MPP_FIELD_TYPE_STRUCT: mpp_fields_clear(row->table, (char *)inout + row->offset); break;
        case MPP_FIELD_TYPE_STRUCTS:
            clear_structs(row->table, AT(inout, row, GArray *));
            AT(inout, row, GArray *) = NULL;
            break;
        case MPP_FIELD_TYPE_INTS:
        case MPP_FIELD_TYPE_DOUBLES: g_clear_pointer(&AT(inout, row, GArray *), g_array_unref); break;
        case MPP_FIELD_TYPE_TEXTS: g_clear_pointer(&AT(inout, row, GHashTable *), g_hash_table_unref); break;
        case MPP_FIELD_TYPE_STRINGS: g_clear_pointer(&AT(inout, row, GPtrArray *), g_ptr_array_unref); break;
        default: break;
        }
    }
}

void mpp_fields_copy(const MppFields *fields, const void *in, void *out)
{
    fields = mpp_fields_form(fields, in);
    memcpy(out, in, fields->size);
    for (int i = 0; i < fields->n_rows; i++) {
        const MppField *row = &fields->rows[i];
        GArray *structs;
        switch (row->type) {
        case MPP_FIELD_TYPE_STRING: AT(out, row, char *) = g_strdup(CONST_AT(in, row, char *)); break;
        case MPP_FIELD_TYPE_STRUCT:
            mpp_fields_copy(row->table, (const char *)in + row->offset, (char *)out + row->offset);
            break;
        case MPP_FIELD_TYPE_STRUCTS:
            structs = CONST_AT(in, row, GArray *) ? g_array_copy(CONST_AT(in, row, GArray *)) : NULL;
            for (guint k = 0; structs && k < structs->len; k++)
                mpp_fields_copy(row->table, CONST_AT(in, row, GArray *)->data + k * row->table->size,
                                structs->data + k * row->table->size);
            AT(out, row, GArray *) = structs;
            break;
        case MPP_FIELD_TYPE_INTS:
        case MPP_FIELD_TYPE_DOUBLES:
            if (CONST_AT(in, row, GArray *))
                AT(out, row, GArray *) = g_array_copy(CONST_AT(in, row, GArray *));
            break;
        case MPP_FIELD_TYPE_TEXTS: /* never changed after reading, so shared */
            if (CONST_AT(in, row, GHashTable *))
                g_hash_table_ref(CONST_AT(in, row, GHashTable *));
            break;
        case MPP_FIELD_TYPE_STRINGS:
            if (CONST_AT(in, row, GPtrArray *))
                g_ptr_array_ref(CONST_AT(in, row, GPtrArray *));
            break;
        default: break;
        }
    }
}
