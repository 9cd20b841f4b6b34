/* SPDX-License-Identifier: Apache-2.0 */
/* The table that the stages fill: a row a workload W, and in it what it does by mechanism. */
#ifndef CS_CORE_WORKLOADS_INTERNAL_H
#define CS_CORE_WORKLOADS_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/util.h"
#include "core/findings/finding.h"
#include "core/report/workloads.h"

#include <stdbool.h>

struct cs_workload_use {
    uint64_t requests[CS_OUTCOME_END];
    uint64_t credentials;
    uint64_t durations[CS_HISTOGRAM_BOUNDS_MAX + 1]; /* each bucket's own */
    uint64_t duration_sum_ns;
    uint64_t last_success_ns; /* since 1970; 0 none */
    uint64_t last_failure_ns;
    uint64_t in_flight;
    uint64_t oldest_ns; /* how long the oldest has waited */
    uint32_t pods_using;
};

/* Running pods that declare the same. */
struct cs_workload_declared {
    struct cs_workload_declared *next;
    uint32_t pods;
    char set[CS_DECLARED_TEXT_MAX];
};

/* A role, client id or resource; labels of the registry, `name="value"`. */
struct cs_workload_identity {
    struct cs_workload_identity *next;
    struct cs_label *const *labels; /* of the series; it is there while the table is */
};

/* An open finding of the workload's containers. */
struct cs_workload_finding {
    struct cs_workload_finding *next;
    enum cs_finding finding;
    bool expected;
    uint32_t containers; /* that have it */
    uint32_t mechanisms; /* 1 << enum cs_mechanism */
    uint64_t since_ns;
    uint64_t last_ns;  /* of the last evidence */
    char *explanation; /* NULL: no memory */
};

struct cs_workload_row {
    UT_hash_handle hh;
    struct cs_workload_use *uses[CS_MECHANISM_END]; /* NULL: nothing of it */
    struct cs_workload_declared *declared;
    struct cs_workload_identity *identities;
    struct cs_workload_finding *findings;
    uint32_t pods;
    size_t len;
    char text[]; /* the labels W as in an exposition: values escaped, valid JSON strings */
};

struct cs_workloads {
    struct cs_workload_row *rows;
    struct cs_buffer scratch;
    int error; /* -ENOMEM: something is missing */
};

/* The row of the text of W, made if there is none; what follows the four labels is ignored. NULL:
 * no memory (the table's error is set), or no such text. */
struct cs_workload_row *cs_workloads_row(struct cs_workloads *workloads, const char *text,
                                         size_t len);
struct cs_workload_row *cs_workloads_row_of(struct cs_workloads *workloads,
                                            const struct cs_workload *workload);

/* Made if there is none. NULL: no memory, or the row is NULL. */
struct cs_workload_use *cs_workloads_use(struct cs_workloads *workloads,
                                         struct cs_workload_row *row, enum cs_mechanism mechanism);

/* One pair `name="value"` at *text: name and the quoted value; moves *text behind it and a comma.
 * False: there is none. */
bool cs_workloads_pair(struct cs_slice *text, struct cs_slice *name, struct cs_slice *value);

/* The stages. */
void cs_workloads_add_series(struct cs_workloads *workloads, const struct cs_registry *registry);
void cs_workloads_add_pods(struct cs_workloads *workloads,
                           const struct cs_workloads_sources *sources);
void cs_workloads_add_in_flight(struct cs_workloads *workloads,
                                const struct cs_workloads_sources *sources);
void cs_workloads_add_findings(struct cs_workloads *workloads,
                               const struct cs_workloads_sources *sources);
void cs_workloads_findings_free(struct cs_workload_row *row);

/* As JSON. A time of 0 is null. */
void cs_workloads_write_row(const struct cs_workload_row *row,
                            const struct cs_workloads_sources *sources, struct cs_buffer *buffer);
void cs_workloads_write_findings(const struct cs_workload_row *row,
                                 const struct cs_workloads_sources *sources,
                                 struct cs_buffer *buffer);
void cs_workloads_write_time(uint64_t realtime_ns, struct cs_buffer *buffer);

#endif
