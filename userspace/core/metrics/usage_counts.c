/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/metrics/usage_counts.h"

#include "base/util.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row_key {
    struct cs_label *workload;
    struct cs_label *pod; /* UID, 0, name; NULL without by_pod */
    uint32_t gauge;
    uint32_t value; /* enum cs_mechanism, or a declared set */
};

/* One gauge; the key's labels are referenced. */
struct row {
    UT_hash_handle hh;
    struct row_key key;
    uint32_t pods; /* of this time */
};

/* What all containers of a pod use; labels and texts are others'. */
struct pod {
    UT_hash_handle hh;
    uint32_t uses;
    const struct cs_label *workload;
    char uid[CS_POD_UID_LEN];
};

struct cs_usage_counts {
    struct cs_labels *labels;
    bool by_pod;
    struct row *rows;
};

/* One refresh. */
struct counting {
    struct cs_usage_counts *counts;
    const struct cs_pod_index *index;
    struct pod *pods;
};

int cs_usage_counts_new(struct cs_labels *labels, bool by_pod, struct cs_usage_counts **counts)
{
    struct cs_usage_counts *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->labels = labels;
    made->by_pod = by_pod;
    *counts = made;
    return 0;
}

static void row_free(struct cs_usage_counts *counts, struct row *row)
{
    HASH_DEL(counts->rows, row);
    cs_label_unref(counts->labels, row->key.workload);
    cs_label_unref(counts->labels, row->key.pod);
    free(row);
}

void cs_usage_counts_free(struct cs_usage_counts **counts)
{
    struct row *row, *next;

    if (!*counts)
        return;
    HASH_ITER (hh, (*counts)->rows, row, next)
        row_free(*counts, row);
    free(*counts);
    *counts = NULL;
}

/* The pod as a text that is kept: its UID and name. NULL: no memory. */
static struct cs_label *pod_label(struct cs_usage_counts *counts, const char *uid, const char *name)
{
    char text[CS_POD_UID_LEN + CS_NAME_MAX];
    size_t len = strlen(uid) + 1, n = strlen(name) + 1;

    memcpy(text, uid, len);
    memcpy(text + len, name, n);
    return cs_labels_get(counts->labels, text, len + n);
}

/* Takes over the key's references. */
static int count_key(struct cs_usage_counts *counts, const struct row_key *key)
{
    struct row *row;

    HASH_FIND(hh, counts->rows, key, sizeof(*key), row);
    if (!row) {
        row = calloc(1, sizeof(*row));
        if (row) {
            row->key = *key;
            HASH_ADD(hh, counts->rows, key, sizeof(row->key), row);
            if (row->hh.tbl) {
                row->pods = 1;
                return 0;
            }
            free(row);
        }
    } else {
        row->pods++;
    }
    cs_label_unref(counts->labels, key->workload);
    cs_label_unref(counts->labels, key->pod);
    return row ? 0 : -ENOMEM;
}

static int count(struct cs_usage_counts *counts, enum cs_usage_gauge gauge,
                 const struct cs_label *workload, const char *uid, const char *name, uint32_t value)
{
    struct row_key key = {.gauge = gauge, .value = value};

    if (!workload)
        return -ENOMEM;
    if (counts->by_pod) {
        key.pod = pod_label(counts, uid, name);
        if (!key.pod)
            return -ENOMEM;
    }
    key.workload = cs_label_ref((struct cs_label *)workload);
    return count_key(counts, &key);
}

static int visit_pod(void *user, const struct cs_pod_view *pod)
{
    struct counting *counting = user;
    int r;

    if (!pod->running)
        return 0;
    r = count(counting->counts, CS_USAGE_PODS, pod->workload, pod->uid, pod->name, 0);
    if (r == 0)
        r = count(counting->counts, CS_USAGE_PODS_DECLARING, pod->workload, pod->uid, pod->name,
                  pod->declared);
    return r;
}

/* A pod has several containers, and those several mechanisms: each pod is counted once for each. */
static int visit_container(void *user, const struct cs_usage_view *view)
{
    struct counting *counting = user;
    struct cs_pod_view known = {.uid = view->pod_uid};
    struct pod *pod;

    /* A static pod is kept under the UID of its cgroup while its mirror isn't known. */
    if (counting->index)
        cs_pod_index_view(counting->index, view->pod_uid, &known);
    HASH_FIND_STR(counting->pods, known.uid, pod);
    if (!pod) {
        pod = calloc(1, sizeof(*pod));
        if (!pod)
            return -ENOMEM;
        cs_text_copy(pod->uid, sizeof(pod->uid), known.uid, strlen(known.uid));
        HASH_ADD_STR(counting->pods, uid, pod);
        if (!pod->hh.tbl) {
            free(pod);
            return -ENOMEM;
        }
    }
    pod->uses |= view->uses;
    pod->workload = view->workload;
    return 0;
}

static int count_uses(struct counting *counting, const struct pod *pod)
{
    const struct cs_label *workload = pod->workload;
    struct cs_pod_view view = {.name = ""};
    int r = 0;

    if (counting->index && cs_pod_index_view(counting->index, pod->uid, &view)) {
        /* Init containers run, and use, while the phase is Pending. */
        if (view.deleted || view.phase == CS_POD_SUCCEEDED || view.phase == CS_POD_FAILED)
            return 0;
        workload = view.workload;
    } else if (!counting->index) {
        r = count(counting->counts, CS_USAGE_PODS, workload, pod->uid, view.name, 0);
    }
    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END && r == 0; mechanism++)
        if (pod->uses & 1u << mechanism)
            r = count(counting->counts, CS_USAGE_PODS_USING, workload, pod->uid, view.name,
                      mechanism);
    return r;
}

static int count_pods(struct counting *counting, int error)
{
    struct pod *pod, *next;

    HASH_ITER (hh, counting->pods, pod, next) {
        int r = count_uses(counting, pod);

        error = error ? error : r;
        HASH_DEL(counting->pods, pod);
        free(pod);
    }
    return error;
}

static void tell(const struct row *row, cs_usage_gauge_fn sink, void *user)
{
    struct cs_subject subject = {.attribution = CS_ATTRIBUTION_POD};
    char declared[CS_DECLARED_TEXT_MAX];
    const char *value = NULL;

    cs_pod_workload_read(row->key.workload, &subject.workload);
    if (row->key.pod) {
        size_t len;
        const char *uid = cs_label_text(row->key.pod, &len);
        const char *name = uid + strlen(uid) + 1;

        cs_text_copy(subject.pod_uid, sizeof(subject.pod_uid), uid, strlen(uid));
        cs_text_copy(subject.pod, sizeof(subject.pod), name, strlen(name));
    }
    if (row->key.gauge == CS_USAGE_PODS_USING)
        value = cs_mechanism_info(row->key.value)->name;
    if (row->key.gauge == CS_USAGE_PODS_DECLARING) {
        cs_declared_format((uint16_t)row->key.value, declared);
        value = declared;
    }
    sink(user, row->key.gauge, &subject, value, row->pods);
}

int cs_usage_counts_refresh(struct cs_usage_counts *counts, const struct cs_pod_index *index,
                            const struct cs_usage *usage, uint64_t now_ns, cs_usage_gauge_fn sink,
                            void *user)
{
    struct counting counting = {.counts = counts, .index = index};
    struct row *row, *next;
    int error = 0, r;

    for (row = counts->rows; row; row = row->hh.next)
        row->pods = 0;
    if (index)
        error = cs_pod_index_each(index, visit_pod, &counting);
    r = cs_usage_each(usage, now_ns, visit_container, &counting);
    error = count_pods(&counting, error ? error : r);
    HASH_ITER (hh, counts->rows, row, next) {
        tell(row, sink, user);
        if (row->pods == 0)
            row_free(counts, row);
    }
    return error;
}
