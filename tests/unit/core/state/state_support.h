/* SPDX-License-Identifier: Apache-2.0 */
/* A state to test with. Include after cmocka.h. */
#ifndef CS_TESTS_STATE_SUPPORT_H
#define CS_TESTS_STATE_SUPPORT_H

#include "base/util.h"
#include "core/pods/pod_workload.h"
#include "core/state/state.h"

#include <stdio.h>
#include <string.h>

#define SEC(n)  ((uint64_t)(n)*CS_NSEC_PER_SEC)
#define HOUR(n) SEC((n)*UINT64_C(3600))
#define NOON    SEC(1763726400) /* 2025-11-21T12:00:00Z */
/* Exchanges are in monotonic time: so long after boot. */
#define UP(seconds) (SEC(1000) + SEC(seconds))
#define OFFSET      ((int64_t)(NOON - SEC(1000)))

static inline struct cs_workload workload_of(const char *namespace, const char *name)
{
    struct cs_workload workload = {.workload_kind = "Deployment"};

    cs_text_copy(workload.namespace, sizeof(workload.namespace), namespace, strlen(namespace));
    cs_text_copy(workload.service_account, sizeof(workload.service_account), name, strlen(name));
    cs_text_copy(workload.workload, sizeof(workload.workload), name, strlen(name));
    return workload;
}

/* One exchange that was answered at_ns (monotonic). */
static inline void see(struct cs_state *state, const struct cs_workload *workload,
                       enum cs_mechanism mechanism, enum cs_outcome outcome, uint64_t at_ns)
{
    const struct cs_connection connection = {.family = 4};
    const struct cs_exchange exchange = {
        .connection = &connection, .answer_ns = at_ns, .end_ns = at_ns + SEC(1)};
    const struct cs_verdict verdict = {
        .mechanism = mechanism,
        .endpoint = mechanism == CS_MECHANISM_IRSA ? CS_ENDPOINT_STS : CS_ENDPOINT_IMDS,
        .outcome = outcome};

    cs_state_exchange(state, &exchange, &verdict, workload, OFFSET);
}

struct found {
    const char *workload; /* looked for; NULL any */
    enum cs_mechanism mechanism;
    struct cs_state_times times;
    bool done;
    uint32_t n;
};

static inline int find_visit(void *user, const struct cs_state_view *view)
{
    struct found *found = user;
    struct cs_workload workload;

    cs_pod_workload_read(view->workload, &workload);
    if (found->workload &&
        (strcmp(found->workload, workload.workload) != 0 || found->mechanism != view->mechanism))
        return 0;
    found->times = *view->times;
    found->done = *view->done;
    found->n++;
    return 0;
}

static inline bool find(const struct cs_state *state, const char *workload,
                        enum cs_mechanism mechanism, struct found *found)
{
    *found = (struct found){.workload = workload, .mechanism = mechanism};
    cs_state_each(state, false, find_visit, found);
    return found->n == 1;
}

#endif
