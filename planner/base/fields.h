/**
 * One table per struct that reads it from JSON, checks it, fills defaults and writes it back.
 *
 * A row states the field's JSON name, where it lies in the struct, its range, its default and its meaning.
 * Unknown members are refused, with the known ones nearest first, unless the table is open. Defaults of knobs stand nowhere else.
 * An object may have another form, with a table of its own, told by a member that only it has.
 *
 *     static const MppField rows[] = {
 *         MPP_FIELD_INT(MppModel, heads, 1, 65536, MPP_REQUIRED, "attention heads of a layer"),
 *     };
 *     const MppFields mpp_model_fields = MPP_FIELDS("model", MppModel, rows);
 *
 * A struct read by a table may hold: int64_t, double, bool, char *, enum (int-sized), a nested struct by value,
 * int64_t as a set of enum values, GArray * of structs, int64_t or double, and GHashTable * of strings. mpp_fields_clear() frees what it owns.
 */
#pragma once

#include <math.h>
#include <stddef.h>

#include "planner/base/json.h"
#include "planner/base/names.h"

typedef enum {
    MPP_FIELD_TYPE_INT,
    MPP_FIELD_TYPE_DOUBLE,
    MPP_FIELD_TYPE_BOOL,
    MPP_FIELD_TYPE_STRING,
    MPP_FIELD_TYPE_ENUM,
    MPP_FIELD_TYPE_STRUCT,  /* a nested object */
    MPP_FIELD_TYPE_STRUCTS, /* an array of objects: GArray * */
    MPP_FIELD_TYPE_INTS,    /* an array of integers: GArray * of int64_t */
    MPP_FIELD_TYPE_DOUBLES, /* an array of numbers: GArray * of double */
    MPP_FIELD_TYPE_TEXTS,   /* an object of strings: GHashTable * */
    MPP_FIELD_TYPE_STRINGS, /* an array of strings: GPtrArray * */
    MPP_FIELD_TYPE_SET,     /* an array of names: int64_t, one bit an enum value */
} MppFieldType;

typedef struct MppFields MppFields;

typedef struct {
    const char *name;
    MppFieldType type;
    size_t offset;
    double min, max;        /* of numbers */
    double fallback;        /* default of numbers, bools, enums and sets; MPP_REQUIRED when there is none */
    const MppNames *names;  /* of enums and sets */
    const MppFields *table; /* of nested structs */
    const char *help;
} MppField;

struct MppFields {
    const char *title; /* "model": what the object is, for messages */
    size_t size;       /* of the struct */
    const MppField *rows;
    int n_rows;
    bool open; /* unknown members and nulls are passed over: records written by others */
    const MppField *mark;   /* NULL: no other form; a row of pointer type: the other form's objects have it, its structs hold it */
    const MppFields *other; /* that form's table, of the same struct */
};

#define MPP_REQUIRED NAN
#define MPP_FIELDS(title_text, type, rows_array) \
    { (title_text), sizeof(type), (rows_array), (int)G_N_ELEMENTS(rows_array), false, NULL, NULL }

#define MPP_OPEN_FIELDS(title_text, type, rows_array) \
    { (title_text), sizeof(type), (rows_array), (int)G_N_ELEMENTS(rows_array), true, NULL, NULL }

#define MPP_FIELDS_OR(title_text, type, rows_array, mark_row, other_table) \
    { (title_text), sizeof(type), (rows_array), (int)G_N_ELEMENTS(rows_array), false, (mark_row), (other_table) }

#define MPP_FIELD_INT(type, field, low, high, otherwise, text) \
    { #field, MPP_FIELD_TYPE_INT, offsetof(type, field), (low), (high), (otherwise), NULL, NULL, (text) }
#define MPP_FIELD_DOUBLE(type, field, low, high, otherwise, text) \
    { #field, MPP_FIELD_TYPE_DOUBLE, offsetof(type, field), (low), (high), (otherwise), NULL, NULL, (text) }
#define MPP_FIELD_BOOL(type, field, otherwise, text) \
    { #field, MPP_FIELD_TYPE_BOOL, offsetof(type, field), 0, 1, (otherwise), NULL, NULL, (text) }
#define MPP_FIELD_ENUM(type, field, table_of_names, otherwise, text) \
    { #field, MPP_FIELD_TYPE_ENUM, offsetof(type, field), 0, 0, (otherwise), (table_of_names), NULL, (text) }
#define MPP_FIELD_SET(type, field, table_of_names, otherwise, text) \
    { #field, MPP_FIELD_TYPE_SET, offsetof(type, field), 0, 0, (otherwise), (table_of_names), NULL, (text) }
#define MPP_FIELD_STRING(type, field, otherwise, text) \
    { #field, MPP_FIELD_TYPE_STRING, offsetof(type, field), 0, 0, (otherwise), NULL, NULL, (text) }
#define MPP_FIELD_STRUCT(type, field, fields_table, otherwise, text) \
    { #field, MPP_FIELD_TYPE_STRUCT, offsetof(type, field), 0, 0, (otherwise), NULL, (fields_table), (text) }
#define MPP_FIELD_STRUCTS(type, field, fields_table, otherwise, text) \
    { #field, MPP_FIELD_TYPE_STRUCTS, offsetof(type, field), 0, 0, (otherwise), NULL, (fields_table), (text) }
#define MPP_FIELD_INTS(type, field, low, high, text) \
    { #field, MPP_FIELD_TYPE_INTS, offsetof(type, field), (low), (high), 0, NULL, NULL, (text) }
#define MPP_FIELD_DOUBLES(type, field, low, high, text) \
    { #field, MPP_FIELD_TYPE_DOUBLES, offsetof(type, field), (low), (high), 0, NULL, NULL, (text) }
#define MPP_FIELD_TEXTS(type, field, text) \
    { #field, MPP_FIELD_TYPE_TEXTS, offsetof(type, field), 0, 0, 0, NULL, NULL, (text) }
#define MPP_FIELD_STRINGS(type, field, text) \
    { #field, MPP_FIELD_TYPE_STRINGS, offsetof(type, field), 0, 0, 0, NULL, NULL, (text) }

/** Sets every field of @out to its default; nested structs to theirs; required ones to zero. */
void mpp_fields_default(const MppFields *fields, void *out);

/**
 * Reads @object of @json into @out, which is overwritten. On failure @out holds nothing to free.
 * Errors: MPP_ERROR_SCHEMA at the member's place.
 */
bool mpp_fields_read(const MppFields *fields, const MppJson *json, const cJSON *object, void *out,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The struct as a JSON object; read back it is equal. Fields at their default are left out when @brief. */
cJSON *mpp_fields_write(const MppFields *fields, const void *in, bool brief);

/** Copies @in to @out, owning its own strings and arrays. */
void mpp_fields_copy(const MppFields *fields, const void *in, void *out);

/** Frees what the struct's fields own and zeroes them. */
void mpp_fields_clear(const MppFields *fields, void *inout);

/** The table of the form that @in has. */
const MppFields *mpp_fields_form(const MppFields *fields, const void *in);

/** The row called @name, or NULL. */
const MppField *mpp_fields_find(const MppFields *fields, const char *name);
