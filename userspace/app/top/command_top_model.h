/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `credscope top` shows: the API's document (docs/api.md, /api/v1/workloads) as rows, one a
 * workload and mechanism, and rates from successive documents. Pure: time is given.
 */
#ifndef CS_APP_COMMAND_TOP_MODEL_H
#define CS_APP_COMMAND_TOP_MODEL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_TOP_ROWS_MAX  20000
#define CS_TOP_SAMPLES   64
#define CS_TOP_WINDOW_NS (UINT64_C(60) * 1000000000) /* what rates are about */
#define CS_TOP_UNKNOWN   (-1.0)                      /* of any number: all are at least 0 */

enum cs_top_sort {
    CS_TOP_BY_RATE,
    CS_TOP_BY_FAILURES,
    CS_TOP_BY_P99,
    CS_TOP_BY_IN_FLIGHT,
    CS_TOP_BY_NAME,
    CS_TOP_SORT_END,
};

/* Its name, as --sort takes it. */
const char *cs_top_sort_name(enum cs_top_sort sort);

enum cs_top_class { CS_TOP_OTHER, CS_TOP_CURRENT, CS_TOP_RETIRING, CS_TOP_NODE };

struct cs_top_sample {
    uint64_t at_ns;
    double total, failures;
};

/* Texts are as the API sent them: any UTF-8. */
struct cs_top_row {
    UT_hash_handle hh;
    const char *namespace, *service_account, *kind, *workload, *mechanism; /* within key */
    enum cs_top_class class;
    double total, failures, credentials;
    double p50, p99; /* seconds */
    double in_flight, oldest;
    double pods, pods_using;
    double last_success, last_failure; /* seconds since 1970 */
    double rate, failure_rate;         /* a minute, over the last one */
    char failure[24];                  /* the most frequent outcome among the failures; "" none */
    char declared[160];                /* "" not known */
    char finding[48];                  /* the worst that is not as expected; "" none, not known */

    uint64_t update; /* the last one that had it */
    size_t first, count;
    struct cs_top_sample samples[CS_TOP_SAMPLES]; /* a ring, oldest first */

    size_t key_len;
    char key[]; /* the five names, each with its NUL */
};

enum cs_top_severity { CS_TOP_INFO, CS_TOP_WARNING, CS_TOP_CRITICAL };

/* CS_TOP_INFO for a name that is none. */
enum cs_top_severity cs_top_severity_of(const char *name);

/* A finding that is open on containers of a workload, and that nobody expected. */
struct cs_top_finding {
    struct cs_top_finding *next;
    enum cs_top_severity severity;
    double containers; /* that have it */
    double since;      /* seconds since 1970 */
    const char *name, *namespace, *workload, *service_account, *explanation; /* within text */
    char text[];
};

struct cs_top_model {
    struct cs_top_row *rows;
    struct cs_top_finding *findings; /* the worst first */
    size_t open, critical, expected; /* findings, the critical ones of them; those not listed */
    uint64_t updates;
    uint64_t updated_ns; /* of the last document */
    char node[256];
    char run_id[64];
    double time; /* seconds since 1970, the node's clock */
    double observed;
    size_t workloads, quiet; /* all; those without any request */
    size_t omitted;          /* workloads that the API, and rows that we, had no room for */
};

void cs_top_model_clear(struct cs_top_model *model);
#define _cleanup_top_model_ CS_CLEANUP(cs_top_model_clear)

/* Take over a document that came at now_ns (CLOCK_MONOTONIC). Rates begin anew with another run.
 * 0, -EBADMSG (not such a document; the model is as before), or -ENOMEM. */
int cs_top_model_update(struct cs_top_model *model, const char *json, size_t len, uint64_t now_ns);

/* Put the rows in order: largest first, or by name. Then walk model->rows by hh.next. */
void cs_top_model_sort(struct cs_top_model *model, enum cs_top_sort sort);

#endif
