#include "planner/base/fields.h"

#define VALUE(in, row, type) (*(type const *)((const char *)(in) + (row)->offset))

static cJSON *write_numbers(const MppField *row, const GArray *numbers)
{
    cJSON *array = cJSON_CreateArray();
    for (guint i = 0; i < numbers->len; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(row->type == MPP_FIELD_TYPE_INTS
                                                           ? (double)g_array_index(numbers, int64_t, i)
                                                           : g_array_index(numbers, double, i)));
    return array;
}

static cJSON *write_structs(const MppField *row, const GArray *structs, bool brief)
{
    cJSON *array = cJSON_CreateArray();
    for (guint i = 0; i < structs->len; i++)
        cJSON_AddItemToArray(array, mpp_fields_write(row->table, structs->data + i * row->table->size, brief));
    return array;
}

static cJSON *write_texts(GHashTable *texts)
{
    cJSON *object = cJSON_CreateObject();
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(texts), (GCompareFunc)strcmp);
    for (const GList *key = keys; key; key = key->next)
        cJSON_AddStringToObject(object, key->data, g_hash_table_lookup(texts, key->data));
    return object;
}

static cJSON *write_strings(const GPtrArray *strings)
{
    cJSON *array = cJSON_CreateArray();
    for (guint i = 0; i < strings->len; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(strings->pdata[i]));
    return array;
}

static cJSON *write_set(const MppField *row, int64_t set)
{
    cJSON *array = cJSON_CreateArray();
    for (int i = 0; i < row->names->n_names; i++)
        if (set & (int64_t)1 << i)
            cJSON_AddItemToArray(array, cJSON_CreateString(mpp_names_get(row->names, i)));
    return array;
}

/** Returns: NULL when the field holds nothing (an absent string or array), or its default when @brief. */
static cJSON *write_row(const MppField *row, const void *in, bool brief)
{
    double number;
    switch (row->type) {
    case MPP_FIELD_TYPE_SET:
    case MPP_FIELD_TYPE_INT: number = (double)VALUE(in, row, int64_t); break;
    case MPP_FIELD_TYPE_DOUBLE: number = VALUE(in, row, double); break;
    case MPP_FIELD_TYPE_BOOL: number = VALUE(in, row, bool); break;
    case MPP_FIELD_TYPE_ENUM: number = VALUE(in, row, int); break;
    case MPP_FIELD_TYPE_STRUCT: return mpp_fields_write(row->table, (const char *)in + row->offset, brief);
    default:
        if (!VALUE(in, row, void *))
            return NULL;
        return row->type == MPP_FIELD_TYPE_STRING    ? cJSON_CreateString(VALUE(in, row, char *))
               : row->type == MPP_FIELD_TYPE_STRUCTS ? write_structs(row, VALUE(in, row, GArray *), brief)
               : row->type == MPP_FIELD_TYPE_TEXTS   ? write_texts(VALUE(in, row, GHashTable *))
               : row->type == MPP_FIELD_TYPE_STRINGS ? write_strings(VALUE(in, row, GPtrArray *))
                                                     : write_numbers(row, VALUE(in, row, GArray *));
    }
    if (brief && number == row->fallback)
        return NULL;
    return row->type == MPP_FIELD_TYPE_BOOL   ? cJSON_CreateBool(number != 0)
           : row->type == MPP_FIELD_TYPE_SET  ? write_set(row, (int64_t)number)
           : row->type == MPP_FIELD_TYPE_ENUM ? cJSON_CreateString(mpp_names_get(row->names, (int)number))
                                              : cJSON_CreateNumber(number);
}

cJSON *mpp_fields_write(const MppFields *fields, const void *in, bool brief)
{
    cJSON *object = cJSON_CreateObject();
    fields = mpp_fields_form(fields, in);
    for (int i = 0; i < fields->n_rows; i++) {
        cJSON *value = write_row(&fields->rows[i], in, brief);
        if (value)
            cJSON_AddItemToObject(object, fields->rows[i].name, value);
    }
    return object;
}
