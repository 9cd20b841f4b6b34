/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of a pod's parts share. */
#ifndef CS_CORE_POD_JSON_PRIVATE_H
#define CS_CORE_POD_JSON_PRIVATE_H

#include "core/pods/pod_json.h"

#include <cjson/cJSON.h>

struct cs_pod_reading {
    struct cs_pod *pod;
    enum cs_pod_error error;              /* the first */
    struct cs_declared_evidence evidence; /* the pod's part of it */
    const char *azure_skip;               /* annotation skip-containers; NULL none. The tree's */
};

/* The field of an object: NULL when absent, null, or of another type (cJSON_String …), which is
 * noted. object may be NULL. */
const cJSON *cs_pod_field(struct cs_pod_reading *reading, const cJSON *object, const char *name,
                          int type);

/* The first element of an array, the others by its next; NULL: empty, or as cs_pod_field. */
const cJSON *cs_pod_items(struct cs_pod_reading *reading, const cJSON *object, const char *name);

/* The string's value, or NULL: also when it isn't UTF-8. The tree's. */
const char *cs_pod_text(struct cs_pod_reading *reading, const cJSON *object, const char *name);

/* Copy a string that fits; else to is "", which is noted. */
void cs_pod_copy(struct cs_pod_reading *reading, const cJSON *object, const char *name, char *to,
                 size_t size);

bool cs_pod_true(struct cs_pod_reading *reading, const cJSON *object, const char *name);

/* Containers in a pod's spec, of all kinds. */
size_t cs_pod_containers_count(struct cs_pod_reading *reading, const cJSON *spec);

/* Fill pod->containers from spec and status; reading->evidence and azure_skip are set. */
void cs_pod_containers_read(struct cs_pod_reading *reading, const cJSON *spec, const cJSON *status);

#endif
