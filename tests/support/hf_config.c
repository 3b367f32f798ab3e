#include "tests/support/hf_config.h"

#include <string.h>

MppJson *hf_config_parse(const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *quoted = g_strdelimit(g_strdup(text), "'", '"');
    MppJson *json = mpp_json_parse(name, quoted, strlen(quoted), 1, &error);
    g_assert_no_error(error);
    return json;
}

char *hf_config_in_brief(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = hf_config_parse("c.json", text);
    MppModel model;
    g_assert_true(mpp_model_hf_recognise(json));
    bool read = mpp_model_hf_read(json, &model, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    g_autoptr(cJSON) brief = mpp_fields_write(&mpp_model_fields, &model, true);
    mpp_fields_clear(&mpp_model_fields, &model);
    static const char *const parts[] = { "mla", "moe", "ssm", "vision" };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const cJSON *part = mpp_json_get(brief, parts[i]);
        if (part && !part->child)
            cJSON_DeleteItemFromObject(brief, parts[i]);
    }
    cJSON_DeleteItemFromObject(brief, "name");
    cJSON_DeleteItemFromObject(brief, "source");
    char *printed = cJSON_PrintUnformatted(brief);
    char *out = g_strdelimit(g_strdup(printed), "\"", '\'');
    cJSON_free(printed);
    return out;
}

void hf_config_refused(const char *text, MppError code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = hf_config_parse("c.json", text);
    g_assert_null(mpp_model_read(json, &error));
    g_assert_error(error, MPP_ERROR, (int)code);
    g_autofree char *line = g_strdelimit(g_strndup(error->message, strcspn(error->message, "\n")), "\"", '\'');
    if (g_str_has_suffix(message, ", "))
        line[MIN(strlen(line), strlen(message))] = '\0';
    g_assert_cmpstr(line, ==, message);
}
