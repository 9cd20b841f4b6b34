/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/owner.h"

#include "base/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COMPONENTS_MAX 8 /* taken off a name */
#define DAY_S          86400

static void set(char *to, size_t size, const char *text)
{
    cs_text_copy(to, size, text, strlen(text));
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);

    return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* name, if it is something, "-" and ending, without both; else false. */
static bool take_ending(const char *name, const char *ending, char *to, size_t size)
{
    size_t len = strlen(name), n = strlen(ending);

    if (n == 0 || len < n + 2 || name[len - n - 1] != '-' || !ends_with(name, ending))
        return false;
    cs_text_copy(to, size, name, len - n - 1);
    return true;
}

/* Words that the random alphabet could have made too. */
static bool is_word(const char *text)
{
    static const char *const WORDS[] = {"https", "ldaps", "mssql", "pgsql", "xhtml"};

    for (size_t i = 0; i < CS_ARRAY_SIZE(WORDS); i++)
        if (strcmp(WORDS[i], text) == 0)
            return true;
    return false;
}

static bool is_generated(const char *component)
{
    size_t len = strlen(component);
    size_t hex = strspn(component, "0123456789abcdef");
    size_t digits = strspn(component, "0123456789");

    if (len == 5 && strspn(component, "bcdfghjklmnpqrstvwxz2456789") == 5)
        return !is_word(component);
    if (digits == len)
        return len >= 6;
    return hex == len && len >= 8 && strpbrk(component, "0123456789");
}

static bool take_uuid(char *name)
{
    static const char FORM[] = "-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t len = strlen(name), n = sizeof(FORM) - 1;

    if (len <= n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[len - n + i];

        if (FORM[i] == 'x' ? !isxdigit(c) : c != FORM[i])
            return false;
    }
    name[len - n] = '\0';
    return true;
}

void cs_owner_stem(const char *name, char stem[CS_NAME_MAX])
{
    set(stem, CS_NAME_MAX, name);
    for (int i = 0; i < COMPONENTS_MAX; i++) {
        char *dash = strrchr(stem, '-');

        if (!dash || dash == stem)
            return;
        if (take_uuid(stem))
            continue;
        if (!is_generated(dash + 1))
            return;
        *dash = '\0';
    }
}

/*
 * The job's name is its CronJob's, "-" and when it was scheduled: minutes since 1970 (8 digits
 * until 2160; kubernetes pkg/controller/cronjob/utils.go getJobName), seconds before 1.21. A job
 * is made at, or after, its scheduled time, and its pods at the job's or when they are retried.
 */
static bool scheduled_plausibly(const char *digits, int64_t created_s)
{
    size_t len = strlen(digits);
    int64_t scheduled_s = strtoll(digits, NULL, 10) * (len == 10 ? 1 : 60);

    if (created_s == 0)
        return scheduled_s >= INT64_C(1420070400) && scheduled_s < INT64_C(4102444800);
    return scheduled_s <= created_s + DAY_S && scheduled_s >= created_s - 92 * DAY_S;
}

static bool take_schedule(const char *job, int64_t created_s, char *cron_job, size_t size)
{
    const char *dash = strrchr(job, '-');
    size_t len;

    if (!dash || dash == job)
        return false;
    len = strspn(dash + 1, "0123456789");
    if (dash[1 + len] != '\0' || len < 8 || len > 10 || !scheduled_plausibly(dash + 1, created_s))
        return false;
    cs_text_copy(cron_job, size, job, (size_t)(dash - job));
    return true;
}

static void set_kind(struct cs_workload *workload, const char *kind)
{
    set(workload->workload_kind, sizeof(workload->workload_kind), kind);
}

static void of_replica_set(const struct cs_pod *pod, struct cs_workload *workload)
{
    const size_t size = sizeof(workload->workload);

    if (take_ending(pod->owner_name, pod->rollout_hash, workload->workload, size)) {
        set_kind(workload, "Rollout");
    } else if (take_ending(pod->owner_name, pod->template_hash, workload->workload, size)) {
        set_kind(workload, "Deployment");
    } else {
        set_kind(workload, "ReplicaSet");
        set(workload->workload, size, pod->owner_name);
    }
}

static void of_job(const struct cs_pod *pod, struct cs_workload *workload)
{
    if (take_schedule(pod->owner_name, pod->created_s, workload->workload,
                      sizeof(workload->workload))) {
        set_kind(workload, "CronJob");
        return;
    }
    set_kind(workload, "Job");
    cs_owner_stem(pod->owner_name, workload->workload);
}

static void of_node(const struct cs_pod *pod, struct cs_workload *workload)
{
    set_kind(workload, "StaticPod");
    if (!take_ending(pod->name, pod->node_name, workload->workload, sizeof(workload->workload)))
        set(workload->workload, sizeof(workload->workload), pod->name);
}

static void of_none(const struct cs_pod *pod, struct cs_workload *workload)
{
    size_t len = strlen(pod->generate_name);

    set_kind(workload, "Pod");
    while (len > 0 && (pod->generate_name[len - 1] == '-' || pod->generate_name[len - 1] == '.'))
        len--;
    if (len > 0)
        cs_text_copy(workload->workload, sizeof(workload->workload), pod->generate_name, len);
    else
        cs_owner_stem(pod->name, workload->workload);
}

static bool keeps_its_name(const char *kind)
{
    static const char *const KINDS[] = {"StatefulSet", "DaemonSet", "ReplicationController"};

    for (size_t i = 0; i < CS_ARRAY_SIZE(KINDS); i++)
        if (strcmp(KINDS[i], kind) == 0)
            return true;
    return false;
}

void cs_owner_workload(const struct cs_pod *pod, struct cs_workload *workload)
{
    set(workload->namespace, sizeof(workload->namespace), pod->namespace);
    set(workload->service_account, sizeof(workload->service_account), pod->service_account);
    if (pod->is_static || strcmp(pod->owner_kind, "Node") == 0) {
        of_node(pod, workload);
    } else if (pod->owner_kind[0] == '\0' || pod->owner_name[0] == '\0') {
        of_none(pod, workload);
    } else if (strcmp(pod->owner_kind, "ReplicaSet") == 0) {
        of_replica_set(pod, workload);
    } else if (strcmp(pod->owner_kind, "Job") == 0) {
        of_job(pod, workload);
    } else {
        set_kind(workload, pod->owner_kind);
        if (keeps_its_name(pod->owner_kind))
            set(workload->workload, sizeof(workload->workload), pod->owner_name);
        else
            cs_owner_stem(pod->owner_name, workload->workload);
    }
}
