/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/metrics/usage.h"

#include "base/util.h"
#include "core/classify/classify_path.h"
#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_NS (600 * CS_NSEC_PER_SEC)
/* A request that settles nothing (a certificate's parameters, a lost answer) begins the attempt
 * that the next one decides, unless that comes much later. */
#define ATTEMPT_NS (30 * CS_NSEC_PER_SEC)

_Static_assert(CS_MECHANISM_END <= 32, "uses is a set of 32");

struct container {
    UT_hash_handle hh;
    struct cs_label *workload; /* referenced */
    uint64_t last_ns;          /* its last exchange */
    uint64_t ended_ns;
    uint64_t attempt_ns; /* start of the first attempt */
    bool began_before;
    bool attempted; /* the first attempt's result is known */
    bool succeeded;
    uint64_t delivered_ns[CS_MECHANISM_END]; /* 0 never */
    char pod_uid[CS_POD_UID_LEN];
    char key[CS_CONTAINER_ID_LEN]; /* container id, or pod UID */
};

struct cs_usage {
    struct cs_usage_options options;
    struct cs_usage_stats stats;
    struct cs_labels *labels;
    struct container *containers;
};

int cs_usage_new(const struct cs_usage_options *options, struct cs_labels *labels,
                 struct cs_usage **usage)
{
    struct cs_usage *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->options = *options;
    made->labels = labels;
    if (made->options.containers_max == 0)
        made->options.containers_max = CS_USAGE_CONTAINERS_MAX;
    *usage = made;
    return 0;
}

static void container_free(struct cs_usage *usage, struct container *container)
{
    HASH_DEL(usage->containers, container);
    cs_label_unref(usage->labels, container->workload);
    usage->stats.containers--;
    free(container);
}

void cs_usage_free(struct cs_usage **usage)
{
    struct container *container, *next;

    if (!*usage)
        return;
    HASH_ITER (hh, (*usage)->containers, container, next)
        container_free(*usage, container);
    free(*usage);
    *usage = NULL;
}

static struct container *find(const struct cs_usage *usage, const char *key)
{
    struct container *container;

    HASH_FIND_STR(usage->containers, key, container);
    return container;
}

static bool is_over(uint64_t since_ns, uint64_t span_ns, uint64_t now_ns)
{
    return now_ns > since_ns && now_ns - since_ns > span_ns;
}

/* The one that ended first goes, else the one that has used nothing for longest. */
static void make_room(struct cs_usage *usage, uint64_t now_ns)
{
    uint64_t life = cs_credential_life_longest(&usage->options.life);
    struct container *ended = NULL, *idle = NULL, *worst;

    if (usage->stats.containers < usage->options.containers_max)
        return;
    for (struct container *each = usage->containers; each; each = each->hh.next) {
        if (each->ended_ns != 0 && (!ended || each->ended_ns < ended->ended_ns))
            ended = each;
        if (is_over(each->last_ns, life, now_ns) && (!idle || each->last_ns < idle->last_ns))
            idle = each;
    }
    worst = ended ? ended : idle;
    if (!worst)
        return;
    usage->stats.evicted++;
    container_free(usage, worst);
}

static struct container *container_new(struct cs_usage *usage, const char *key,
                                       const struct cs_subject *subject,
                                       const struct cs_usage_life *life, uint64_t now_ns)
{
    struct container *container;

    make_room(usage, now_ns);
    if (usage->stats.containers >= usage->options.containers_max)
        return NULL;
    container = calloc(1, sizeof(*container));
    if (!container)
        return NULL;
    cs_text_copy(container->key, sizeof(container->key), key, strlen(key));
    memcpy(container->pod_uid, subject->pod_uid, sizeof(container->pod_uid));
    container->began_before = life->began_before;
    container->ended_ns = life->ended_ns;
    HASH_ADD_STR(usage->containers, key, container);
    if (!container->hh.tbl) {
        free(container);
        return NULL;
    }
    usage->stats.containers++;
    usage->stats.began_before += life->began_before;
    return container;
}

bool cs_usage_is_attempt(const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                         const char *cloud)
{
    const struct cs_mechanism_info *info = cs_mechanism_info(verdict->mechanism);

    if (verdict->probe || info->class == CS_CLASS_OTHER)
        return false;
    if (cs_outcome_result(verdict->outcome) != CS_RESULT_FAILURE)
        return true;
    if (cloud && strcmp(info->cloud, "any") != 0 && strcmp(info->cloud, cloud) != 0)
        return false;
    return verdict->outcome != CS_OUTCOME_NOT_FOUND ||
           cs_path_classify(exchange->path) != CS_PATH_AWS_EXTENDED;
}

static void note_attempt(struct cs_usage *usage, struct container *container,
                         const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                         struct cs_usage_first *first)
{
    bool failed = cs_outcome_result(verdict->outcome) == CS_RESULT_FAILURE;
    uint64_t answer_ns = exchange->answer_ns ? exchange->answer_ns : exchange->end_ns;

    if (container->attempt_ns == 0 ||
        (!container->attempted && exchange->start_ns > container->attempt_ns + ATTEMPT_NS))
        container->attempt_ns = exchange->start_ns;
    if (!container->attempted && (failed || verdict->delivered)) {
        container->attempted = true;
        first->attempt = true;
        first->attempt_ok = verdict->delivered;
        usage->stats.first_ok += verdict->delivered;
        usage->stats.first_failed += !verdict->delivered;
    }
    if (container->succeeded || !verdict->delivered)
        return;
    container->succeeded = true;
    first->success = true;
    if (answer_ns > container->attempt_ns)
        first->delay_ns = answer_ns - container->attempt_ns;
}

static void note_workload(struct cs_usage *usage, struct container *container,
                          const struct cs_subject *subject)
{
    struct cs_label *workload = cs_pod_workload_get(usage->labels, &subject->workload);

    if (!workload)
        return;
    cs_label_unref(usage->labels, container->workload);
    container->workload = workload;
}

void cs_usage_exchange(struct cs_usage *usage, const struct cs_exchange *exchange,
                       const struct cs_verdict *verdict, const struct cs_subject *subject,
                       const struct cs_usage_life *life, uint64_t now_ns,
                       struct cs_usage_first *first)
{
    const char *key = subject->container_id[0] ? subject->container_id : subject->pod_uid;
    struct container *container;

    *first = (struct cs_usage_first){0};
    if (subject->pod_uid[0] == '\0' ||
        !cs_usage_is_attempt(exchange, verdict, usage->options.cloud))
        return;
    container = find(usage, key);
    if (!container)
        container = container_new(usage, key, subject, life, now_ns);
    if (!container) {
        usage->stats.refused++;
        return;
    }
    container->last_ns = now_ns;
    note_workload(usage, container, subject);
    if (verdict->delivered)
        container->delivered_ns[verdict->mechanism] =
            exchange->answer_ns ? exchange->answer_ns : now_ns;
    if (!container->began_before)
        note_attempt(usage, container, exchange, verdict, first);
}

void cs_usage_ended(struct cs_usage *usage, const char *container_id, uint64_t now_ns)
{
    struct container *container = find(usage, container_id);

    if (container && container->ended_ns == 0)
        container->ended_ns = now_ns > 0 ? now_ns : 1;
}

void cs_usage_cgroup_removed(struct cs_usage *usage, const struct cs_container *container)
{
    if (cs_container_is_own(container))
        cs_usage_ended(usage, container->identity.container_id, container->removed_ns);
}

void cs_usage_pod_ended(struct cs_usage *usage, const char *pod_uid, uint64_t now_ns)
{
    for (struct container *each = usage->containers; each; each = each->hh.next)
        if (strcmp(each->pod_uid, pod_uid) == 0)
            cs_usage_ended(usage, each->key, now_ns);
}

void cs_usage_expire(struct cs_usage *usage, uint64_t now_ns)
{
    struct container *each, *next;

    HASH_ITER (hh, usage->containers, each, next)
        if (each->ended_ns != 0 && is_over(each->ended_ns, KEEP_NS, now_ns))
            container_free(usage, each);
}

static uint32_t uses_of(const struct cs_usage *usage, const struct container *container,
                        uint64_t now_ns)
{
    uint32_t uses = 0;

    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++) {
        uint64_t life = cs_credential_life(&usage->options.life, mechanism);
        uint64_t delivered_ns = container->delivered_ns[mechanism];

        if (delivered_ns != 0 && !is_over(delivered_ns, life, now_ns))
            uses |= 1u << mechanism;
    }
    return uses;
}

int cs_usage_each(const struct cs_usage *usage, uint64_t now_ns,
                  int (*visit)(void *user, const struct cs_usage_view *view), void *user)
{
    for (const struct container *each = usage->containers; each; each = each->hh.next) {
        const struct cs_usage_view view = {
            .container_id = strcmp(each->key, each->pod_uid) == 0 ? "" : each->key,
            .pod_uid = each->pod_uid,
            .workload = each->workload,
            .uses = uses_of(usage, each, now_ns),
        };
        int r = each->ended_ns == 0 ? visit(user, &view) : 0;

        if (r != 0)
            return r;
    }
    return 0;
}

void cs_usage_stats(const struct cs_usage *usage, struct cs_usage_stats *stats)
{
    *stats = usage->stats;
}
