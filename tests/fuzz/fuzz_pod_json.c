// SPDX-License-Identifier: Apache-2.0
/* Any bytes as pods of a list: the index stays within its bounds, names are whole, a container id
 * that it takes leads back to its pod, and it can be freed. A line is a pod; first byte: the kind
 * of event. */
#include "core/pods/pod_index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

static void on_known(void *user, const char *key)
{
    struct cs_pod_index *index = user;
    struct cs_subject subject = {.attribution = CS_ATTRIBUTION_POD_UID};

    require(key[0] != '\0' && strlen(key) < CS_CONTAINER_ID_LEN);
    if (strlen(key) >= CS_POD_UID_LEN)
        memcpy(subject.container_id, key, strlen(key));
    else
        memcpy(subject.pod_uid, key, strlen(key));
    require(cs_pod_index_name(index, &subject, NULL) == 0);
    require(subject.attribution == CS_ATTRIBUTION_POD);
    require(subject.workload.namespace[0] && subject.workload.service_account[0]);
    require(subject.workload.workload_kind[0] && subject.workload.workload[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cs_pod_index_limits limits = {
        .live_max = 4, .deleted_max = 2, .keep_ns = 5};
    _cleanup_pod_index_ struct cs_pod_index *index = NULL;
    struct cs_pod_index_stats stats;
    uint64_t now_ns = 1;

    require(cs_pod_index_new(&limits, NULL, &index) == 0);
    cs_pod_index_on_known(index, on_known, index);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        /* In memory of its own size, so that a read behind it is seen. */
        char *json = malloc(len ? len : 1);
        struct cs_kube_event event = {.kind = CS_KUBE_POD};

        require(json != NULL);
        memcpy(json, data, len);
        if (len > 0 && data[0] < '{') {
            event.kind = data[0] % 4;
            event.skipped = data[0] / 64;
        }
        event.pod = (struct cs_slice){json + (event.kind != CS_KUBE_POD && len > 0),
                                      len - (event.kind != CS_KUBE_POD && len > 0)};
        cs_pod_index_event(index, &event, now_ns++);
        cs_pod_index_expire(index, now_ns);
        free(json);
        cs_pod_index_stats(index, &stats);
        require(stats.live <= 4 && stats.deleted <= 2);
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
    return 0;
}
