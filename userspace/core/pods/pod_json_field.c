/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_json_private.h"

#include "base/utf8.h"

#include <string.h>

static void fail(struct cs_pod_reading *reading, enum cs_pod_error error)
{
    if (reading->error == CS_POD_OK)
        reading->error = error;
}

static bool is_type(const cJSON *item, int type)
{
    if (type == cJSON_True)
        return cJSON_IsBool(item);
    return (item->type & 0xff) == type;
}

const cJSON *cs_pod_field(struct cs_pod_reading *reading, const cJSON *object, const char *name,
                          int type)
{
    const cJSON *found = NULL;

    for (const cJSON *item = object ? object->child : NULL; item; item = item->next) {
        /* Most differ in the first letter: the call is what costs. */
        if (!item->string || item->string[0] != name[0] || strcmp(item->string, name) != 0)
            continue;
        if (found)
            fail(reading, CS_POD_DUPLICATE);
        found = item;
    }
    if (!found || cJSON_IsNull(found))
        return NULL;
    if (is_type(found, type))
        return found;
    reading->pod->odd++;
    return NULL;
}

const cJSON *cs_pod_items(struct cs_pod_reading *reading, const cJSON *object, const char *name)
{
    const cJSON *array = cs_pod_field(reading, object, name, cJSON_Array);

    return array ? array->child : NULL;
}

const char *cs_pod_text(struct cs_pod_reading *reading, const cJSON *object, const char *name)
{
    const cJSON *item = cs_pod_field(reading, object, name, cJSON_String);

    if (!item || !item->valuestring)
        return NULL;
    if (cs_utf8_valid(item->valuestring))
        return item->valuestring;
    fail(reading, CS_POD_BAD_UTF8);
    return NULL;
}

void cs_pod_copy(struct cs_pod_reading *reading, const cJSON *object, const char *name, char *to,
                 size_t size)
{
    const char *text = cs_pod_text(reading, object, name);

    to[0] = '\0';
    if (text && !cs_text_copy(to, size, text, strlen(text))) {
        to[0] = '\0';
        reading->pod->odd++;
    }
}

bool cs_pod_true(struct cs_pod_reading *reading, const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cs_pod_field(reading, object, name, cJSON_True));
}
