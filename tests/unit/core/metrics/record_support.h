/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges to record, and the page they become. Include after cmocka.h. */
#ifndef CS_TESTS_RECORD_SUPPORT_H
#define CS_TESTS_RECORD_SUPPORT_H

#include "base/util.h"
#include "core/metrics/exposition.h"
#include "core/metrics/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS(n)          ((uint64_t)(n)*CS_NSEC_PER_MSEC)
#define START_NS       (UINT64_C(1000) * CS_NSEC_PER_SEC) /* monotonic */
#define WALL_OFFSET_NS (INT64_C(1763690000) * 1000000000) /* to 2025-11-21 */

/* One recorded exchange and all that goes with it; made by sample_new, changed by the test. */
struct sample {
    struct cs_connection connection;
    struct cs_exchange exchange;
    struct cs_verdict verdict;
    struct cs_subject subject;
};

static inline void sample_workload(struct sample *sample, const char *namespace,
                                   const char *service_account, const char *kind,
                                   const char *workload)
{
    struct cs_workload *w = &sample->subject.workload;

    cs_text_copy(w->namespace, sizeof(w->namespace), namespace, strlen(namespace));
    cs_text_copy(w->service_account, sizeof(w->service_account), service_account,
                 strlen(service_account));
    cs_text_copy(w->workload_kind, sizeof(w->workload_kind), kind, strlen(kind));
    cs_text_copy(w->workload, sizeof(w->workload), workload, strlen(workload));
}

/* The agent's answer after 12 ms with credentials, for shop/cart's Deployment cart. */
static inline void sample_init(struct sample *sample)
{
    *sample = (struct sample){
        .connection = {.family = 4, .connect_ns = START_NS - MS(2), .established_ns = START_NS},
        .exchange = {.start_ns = START_NS,
                     .answer_ns = START_NS + MS(12),
                     .end_ns = START_NS + MS(12),
                     .outcome = CS_OUTCOME_OK,
                     .observed = true,
                     .status = 200},
        .verdict = {.mechanism = CS_MECHANISM_EKS_POD_IDENTITY,
                    .endpoint = CS_ENDPOINT_POD_IDENTITY_AGENT,
                    .outcome = CS_OUTCOME_OK,
                    .delivered = true},
        .subject = {.attribution = CS_ATTRIBUTION_POD,
                    .pod = "cart-7d4b9c-x2x4z",
                    .pod_uid = "5b4d0a3e-3a0e-4c50-9f37-0d3b3a1f9a10",
                    .container = "app"},
    };
    sample_workload(sample, "shop", "cart", "Deployment", "cart");
}

static inline void sample_outcome(struct sample *sample, enum cs_outcome outcome)
{
    sample->exchange.outcome = outcome;
    sample->verdict.outcome = outcome;
    sample->verdict.delivered = outcome == CS_OUTCOME_OK;
}

static inline void sample_record(struct sample *sample, struct cs_recorder *recorder)
{
    sample->exchange.connection = &sample->connection;
    cs_recorder_exchange(recorder, &sample->exchange, &sample->verdict, &sample->subject,
                         sample->exchange.end_ns);
}

static inline struct cs_recorder *recorder_new(struct cs_recorder_options options)
{
    struct cs_recorder *recorder;

    assert_int_equal(cs_recorder_new(&options, &recorder), 0);
    cs_recorder_set_wall_offset(recorder, WALL_OFFSET_NS);
    return recorder;
}

/* The page, NUL-terminated; free it. */
static inline char *page_of(struct cs_recorder *recorder, enum cs_exposition_format format)
{
    struct cs_buffer buffer;

    cs_recorder_refresh(recorder);
    cs_buffer_init(&buffer, CS_EXPOSITION_MAX);
    assert_int_equal(cs_exposition_write(cs_recorder_registry(recorder), format, &buffer), 0);
    cs_buffer_add(&buffer, "", 1);
    return buffer.data;
}

/* Whether the text stands in the page as a whole line. */
static inline bool page_has(const char *page, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = page; (at = strstr(at, line)); at += len) {
        if ((at == page || at[-1] == '\n') && at[len] == '\n')
            return true;
    }
    return false;
}

#define assert_line(page, line)                           \
    do {                                                  \
        if (!page_has(page, line))                        \
            fail_msg("no line: %s\nin:\n%s", line, page); \
    } while (0)

/* Samples of the page: its lines that are no comments. */
static inline uint32_t page_samples(const char *page)
{
    uint32_t n = 0;

    for (const char *at = page; *at != '\0'; at = strchr(at, '\n') + 1)
        n += *at != '#';
    return n;
}

#endif
