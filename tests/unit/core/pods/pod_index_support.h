/* SPDX-License-Identifier: Apache-2.0 */
/* An index of pods for tests, told of pods and asked by path. */
#ifndef TESTS_UNIT_CORE_PODS_POD_INDEX_SUPPORT_H
#define TESTS_UNIT_CORE_PODS_POD_INDEX_SUPPORT_H

#include "pod_samples.h"

#include "core/attribute/container_table.h"
#include "core/pods/pod_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SLICE "/kubepods.slice/kubepods-pod0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice"

/* One pod; %s: uid, name, phase, statuses. */
static const char POD_FORM[] =
    "{\"metadata\":{\"uid\":\"%s\",\"name\":\"%s\",\"namespace\":\"shop\",\"labels\":{"
    "\"pod-template-hash\":\"6d4cf56db6\"},\"ownerReferences\":[{\"kind\":\"ReplicaSet\","
    "\"name\":\"web-6d4cf56db6\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\","
    "\"serviceAccountName\":\"payer\",\"containers\":[{\"name\":\"app\",\"image\":\"i:1\",\"env\":"
    "[{\"name\":\"AWS_WEB_IDENTITY_TOKEN_FILE\"}]},{\"name\":\"log\",\"image\":\"i:2\"}]},"
    "\"status\":{\"phase\":\"%s\",\"containerStatuses\":[%s]}}";

#define STATUS(name, id) "{\"name\":\"" name "\",\"containerID\":\"containerd://" id "\"}"

static inline void tell(struct cs_pod_index *index, enum cs_kube_event_kind kind, const char *json,
                        uint64_t now_ns)
{
    struct cs_kube_event event = {.kind = kind};

    if (json)
        event.pod = slice_of(json);
    cs_pod_index_event(index, &event, now_ns);
}

static inline void tell_pod(struct cs_pod_index *index, enum cs_kube_event_kind kind,
                            const char *uid, const char *statuses, uint64_t now_ns)
{
    char json[2048];

    snprintf(json, sizeof(json), POD_FORM, uid, "web-1", "Running", statuses);
    tell(index, kind, json, now_ns);
}

static inline struct cs_pod_index *new_index(void)
{
    struct cs_pod_index *index = NULL;

    assert_int_equal(cs_pod_index_new(&cs_pod_index_limits_default, "n1", &index), 0);
    return index;
}

static inline int name_path(struct cs_pod_index *index, const char *path,
                            struct cs_subject *subject, struct cs_pod_facts *facts)
{
    cs_subject_from_path(slice_of(path), false, subject);
    return cs_pod_index_name(index, subject, facts);
}

#endif
