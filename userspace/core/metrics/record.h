/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder: turns classified, attributed exchanges and the program's own numbers into series.
 * Owns the registry. No clock: monotonic times come with each call, and the offset to wall time
 * is set. Not for use by several threads.
 *
 * Cap. At most max_series samples, in steps that keep the most useful label longest: new
 * workloads are taken up to 3/4 of it; a workload above that becomes "~other" of its namespace
 * and service account; above 7/8, "~other" in all four labels; and what does not even fit there
 * is dropped: no workload gets a sample when the page has max_series. Each such update is counted
 * (credscope_series_overflow_total). Node-level series are bounded by the tables and always taken.
 *
 * Expiry. Series of a workload go 24 hours after cs_recorder_subject_gone or, where nobody tells
 * the recorder about pods, after its last exchange.
 */
#ifndef CS_CORE_RECORD_H
#define CS_CORE_RECORD_H

#include "core/attribute/subject.h"
#include "core/classify/classify.h"
#include "core/exchange/exchange.h"
#include "core/metrics/series.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_RECORD_SERIES_DEFAULT 10000
#define CS_RECORD_SERIES_MIN     1500 /* below, node-level series leave no room */
#define CS_RECORD_EXPIRY_NS      (UINT64_C(24) * 3600 * 1000000000)
#define CS_LABEL_ALL             "~all" /* a label that --histogram-by has summed over */

/* --histogram-by: whose credscope_request_duration_seconds. */
enum cs_record_by {
    CS_RECORD_BY_WORKLOAD,
    CS_RECORD_BY_SERVICE_ACCOUNT, /* workload_kind and workload are "~all" */
    CS_RECORD_BY_MECHANISM,       /* all four are */
};

/* --identity-labels: how credscope_identity_info shows identities. */
enum cs_identity_labels {
    CS_IDENTITY_FULL,
    CS_IDENTITY_HASH, /* "sha256:" and 16 hexadecimal digits: equal ones can be told, guesses be
                       * confirmed */
    CS_IDENTITY_OFF,  /* not at all */
};

/* Identities that one workload asked for, and SDK versions; those beyond are "~other". Requests
 * name them, so who makes requests could make any number. */
#define CS_RECORD_IDENTITIES_MAX 16
#define CS_RECORD_SDKS_MAX       16

/* 0 in a number means its default. */
struct cs_recorder_options {
    uint32_t max_series;
    uint64_t expiry_ns;
    enum cs_record_by histogram_by;
    bool pod_labels; /* --pod-labels: "pod" after W */
    enum cs_identity_labels identity_labels;
};

/* The values of a row's labels, for the calls below. */
#define CS_RECORD_VALUES(...) ((const char *const[]){__VA_ARGS__})

struct cs_recorder;

/* Creates the node-level series at 0. 0 or -ENOMEM; *recorder is untouched on failure. */
int cs_recorder_new(const struct cs_recorder_options *options, struct cs_recorder **recorder);

/* Accepts NULL. */
void cs_recorder_free(struct cs_recorder *recorder);

const struct cs_registry *cs_recorder_registry(const struct cs_recorder *recorder);

/* CLOCK_REALTIME - CLOCK_MONOTONIC; set at start and again when the wall clock may have moved. */
void cs_recorder_set_wall_offset(struct cs_recorder *recorder, int64_t wall_offset_ns);

/* Record one exchange. now_ns: CLOCK_MONOTONIC. What can't be kept is counted, never an error. */
void cs_recorder_exchange(struct cs_recorder *recorder, const struct cs_exchange *exchange,
                          const struct cs_verdict *verdict, const struct cs_subject *subject,
                          uint64_t now_ns);

/*
 * Set, or add to, a node-level series. values are the row's labels in the table's order, as many
 * as it has (NULL for none). The value's unit is the row's: nanoseconds for SECONDS. A counter
 * may be set to its absolute value if that never falls. 0, -EINVAL (the metric is not of scope
 * NODE, or a histogram, or a value is missing), -ENOSPC or -ENOMEM.
 */
int cs_recorder_set(struct cs_recorder *recorder, enum cs_metric metric, const char *const values[],
                    uint64_t value);
int cs_recorder_add(struct cs_recorder *recorder, enum cs_metric metric, const char *const values[],
                    uint64_t value);

/* Observe a duration in a node-level histogram. Results as above; -EINVAL: it is none. */
int cs_recorder_observe(struct cs_recorder *recorder, enum cs_metric metric,
                        const char *const values[], uint64_t ns);

/* Remove all series of a node-level metric or of a workloads' gauge, before setting those of a
 * set that has changed. */
void cs_recorder_remove(struct cs_recorder *recorder, enum cs_metric metric);

/* The same of a counter, gauge or info with scope WORKLOAD or STATE. */
int cs_recorder_set_of(struct cs_recorder *recorder, enum cs_metric metric,
                       const struct cs_subject *subject, const char *const values[], uint64_t value,
                       uint64_t now_ns);
int cs_recorder_add_of(struct cs_recorder *recorder, enum cs_metric metric,
                       const struct cs_subject *subject, const char *const values[], uint64_t value,
                       uint64_t now_ns);

/*
 * Set a gauge that an earlier process had at age_ns before now_ns, unless it is larger already: a
 * time that was seen last. It expires so much earlier, with an age above the expiry at once unless
 * pods of the subject run. Results as above.
 */
int cs_recorder_restore_of(struct cs_recorder *recorder, enum cs_metric metric,
                           const struct cs_subject *subject, const char *const values[],
                           uint64_t value, uint64_t now_ns, uint64_t age_ns);

/* There are series of the subject at full precision, or it is present. */
bool cs_recorder_has_subject(struct cs_recorder *recorder, const struct cs_subject *subject);

/* Remove one gauge or info of a subject; nothing happens when there is none. */
void cs_recorder_remove_of(struct cs_recorder *recorder, enum cs_metric metric,
                           const struct cs_subject *subject, const char *const values[]);

/* The subject asked for that role, client id or resource; its spec declares it. Kept until its
 * last pod ends. */
void cs_recorder_identity_requested(struct cs_recorder *recorder, const struct cs_subject *subject,
                                    enum cs_mechanism mechanism, const char *identity,
                                    uint64_t now_ns);
void cs_recorder_identity_declared(struct cs_recorder *recorder, const struct cs_subject *subject,
                                   enum cs_mechanism mechanism, const char *identity,
                                   uint64_t now_ns);

/* The subject's requests name that SDK. Kept likewise. */
void cs_recorder_sdk(struct cs_recorder *recorder, const struct cs_subject *subject,
                     const char *name, const char *version, uint64_t now_ns);

/* Remove all declared ones, before declaring those of pods that have changed. */
void cs_recorder_identities_undeclare(struct cs_recorder *recorder);

/* The in-flight gauges of one mechanism; oldest_ns is the waiting time, 0 when count is 0. */
void cs_recorder_in_flight(struct cs_recorder *recorder, enum cs_mechanism mechanism,
                           uint64_t count, uint64_t oldest_ns);

/* The workload (with pod labels: the pod) runs: its series don't expire until it is gone. */
void cs_recorder_subject_present(struct cs_recorder *recorder, const struct cs_subject *subject,
                                 uint64_t now_ns);

/* Its last pod has ended: gauges of scope STATE go now, the rest after the expiry. */
void cs_recorder_subject_gone(struct cs_recorder *recorder, const struct cs_subject *subject,
                              uint64_t now_ns);

/* Remove what has expired. Cheap enough for once a minute. */
void cs_recorder_expire(struct cs_recorder *recorder, uint64_t now_ns);

/* Write the recorder's own numbers (series, limit, overflow) into their series: before a scrape. */
void cs_recorder_refresh(struct cs_recorder *recorder);

/* Bytes held by series and labels. */
size_t cs_recorder_bytes(const struct cs_recorder *recorder);

#endif
