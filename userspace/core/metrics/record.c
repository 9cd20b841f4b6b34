/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/record.h"

#include "base/util.h"
#include "core/metrics/record_internal.h"

#include <errno.h>
#include <stdlib.h>

#define EXEMPLAR_CHARS_MAX 128         /* OpenMetrics 1.0, "Exemplars" */
#define SCRATCH_MAX        (16u << 10) /* four names of 255 bytes, each three bytes escaped, twice */

static int keep(struct cs_recorder *recorder, struct cs_label **label, const char *name,
                const char *value)
{
    *label = cs_labels_get_pair(recorder->labels, name, value);
    return *label ? 0 : -ENOMEM;
}

static int keep_labels(struct cs_recorder *recorder)
{
    int r = 0;

    for (enum cs_mechanism i = 0; i < CS_MECHANISM_END && r == 0; i++)
        r = keep(recorder, &recorder->mechanisms[i], "mechanism", cs_mechanism_info(i)->name);
    for (enum cs_outcome i = 0; i < CS_OUTCOME_END && r == 0; i++)
        r = keep(recorder, &recorder->outcomes[i], "outcome", cs_outcome_name(i));
    for (enum cs_endpoint i = 0; i < CS_ENDPOINT_END && r == 0; i++)
        r = keep(recorder, &recorder->endpoints[i], "endpoint", cs_endpoint_name(i));
    for (size_t i = 0; i < CS_ARRAY_SIZE(recorder->families) && r == 0; i++)
        r = keep(recorder, &recorder->families[i], "address_family", cs_family_name(i ? 6 : 4));
    return r;
}

int cs_recorder_new(const struct cs_recorder_options *options, struct cs_recorder **recorder)
{
    struct cs_recorder *made = calloc(1, sizeof(*made));
    int r;

    if (!made)
        return -ENOMEM;
    made->options = *options;
    if (!made->options.max_series)
        made->options.max_series = CS_RECORD_SERIES_DEFAULT;
    if (!made->options.expiry_ns)
        made->options.expiry_ns = CS_RECORD_EXPIRY_NS;
    cs_buffer_init(&made->scratch, SCRATCH_MAX);
    r = cs_labels_new(&made->labels);
    if (r == 0)
        r = cs_registry_new(made->labels, &made->registry);
    if (r == 0)
        r = keep_labels(made);
    if (r == 0)
        r = cs_record_node_init(made);
    if (r < 0) {
        cs_recorder_free(made);
        return r;
    }
    *recorder = made;
    return 0;
}

void cs_recorder_free(struct cs_recorder *recorder)
{
    if (!recorder)
        return;
    if (recorder->registry)
        cs_record_entries_free(recorder);
    cs_registry_free(recorder->registry);
    cs_labels_free(recorder->labels);
    cs_buffer_free(&recorder->scratch);
    free(recorder);
}

const struct cs_registry *cs_recorder_registry(const struct cs_recorder *recorder)
{
    return recorder->registry;
}

void cs_recorder_set_wall_offset(struct cs_recorder *recorder, int64_t wall_offset_ns)
{
    recorder->wall_offset_ns = wall_offset_ns;
}

size_t cs_recorder_bytes(const struct cs_recorder *recorder)
{
    return sizeof(*recorder) + cs_registry_bytes(recorder->registry) +
           cs_labels_bytes(recorder->labels) + recorder->scratch.size;
}

static uint64_t realtime(const struct cs_recorder *recorder, uint64_t monotonic_ns)
{
    return monotonic_ns + (uint64_t)recorder->wall_offset_ns;
}

static uint64_t to_milliseconds(uint64_t ns)
{
    return ns - ns % CS_NSEC_PER_MSEC;
}

static size_t utf8_chars(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The exemplar's labels, referenced, or NULL: no pod, too long, or no memory. */
static struct cs_label *exemplar_label(struct cs_recorder *recorder,
                                       const struct cs_subject *subject)
{
    struct cs_buffer *scratch = &recorder->scratch;

    if (subject->pod_uid[0] == '\0')
        return NULL;
    if (sizeof("pod_uid") + sizeof("container") - 2 + utf8_chars(subject->pod_uid) +
            utf8_chars(subject->container) >
        EXEMPLAR_CHARS_MAX)
        return NULL;
    scratch->len = 0;
    scratch->error = 0;
    cs_label_append(scratch, "pod_uid", subject->pod_uid);
    if (subject->container[0] != '\0')
        cs_label_append(scratch, "container", subject->container);
    return scratch->error ? NULL : cs_labels_get(recorder->labels, scratch->data, scratch->len);
}

struct observation {
    uint64_t duration_ns;
    uint64_t realtime_ns;
    struct cs_label *exemplar; /* NULL: none */
};

static void observe(struct cs_recorder *recorder, struct cs_series *series,
                    const struct observation *observation)
{
    struct cs_histogram *histogram;
    size_t slot;

    if (!series)
        return;
    histogram = cs_series_histogram(series);
    slot = cs_histogram_observe(histogram, observation->duration_ns);
    if (observation->exemplar)
        cs_histogram_exemplar(histogram, recorder->labels, slot, observation->exemplar,
                              observation->duration_ns, observation->realtime_ns);
}

/* The subject whose series the per-workload histogram is, by --histogram-by. */
static void histogram_target(struct cs_record_target *target, const struct cs_recorder *recorder,
                             const struct cs_record_target *workload)
{
    size_t kept = recorder->options.histogram_by == CS_RECORD_BY_SERVICE_ACCOUNT ? 2 : 0;

    *target = *workload;
    memset(target->labels, 0, sizeof(target->labels));
    for (size_t i = kept; i < CS_ARRAY_SIZE(target->names); i++)
        target->names[i] = CS_LABEL_ALL;
    if (target->pod)
        target->pod = CS_LABEL_ALL;
}

static void record_workload(struct cs_recorder *recorder, struct cs_record_target *target,
                            const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                            const struct observation *observation)
{
    struct cs_label *const both[CS_METRIC_LABELS_MAX] = {recorder->mechanisms[verdict->mechanism],
                                                         recorder->outcomes[verdict->outcome]};
    struct cs_label *const mechanism[CS_METRIC_LABELS_MAX] = {both[0]};
    enum cs_result result = cs_verdict_result(verdict);
    struct cs_record_target histogram;
    struct cs_series *series;

    series = cs_record_series(recorder, CS_METRIC_REQUESTS, target, both);
    if (series)
        (*cs_series_value(series))++;
    if (verdict->delivered) {
        series = cs_record_series(recorder, CS_METRIC_CREDENTIALS, target, mechanism);
        if (series)
            (*cs_series_value(series))++;
    }
    if (verdict->outcome != CS_OUTCOME_UNOBSERVED) {
        histogram = *target;
        if (recorder->options.histogram_by != CS_RECORD_BY_WORKLOAD)
            histogram_target(&histogram, recorder, target);
        observe(recorder,
                cs_record_series(recorder, CS_METRIC_REQUEST_DURATION, &histogram, mechanism),
                observation);
    }
    if (result == CS_RESULT_NEITHER)
        return;
    series = cs_record_series(
        recorder, result == CS_RESULT_SUCCESS ? CS_METRIC_LAST_SUCCESS : CS_METRIC_LAST_FAILURE,
        target, mechanism);
    if (series)
        *cs_series_value(series) = to_milliseconds(
            realtime(recorder, exchange->answer_ns ? exchange->answer_ns : exchange->end_ns));
}

static struct cs_series *node_series(struct cs_recorder *recorder, enum cs_metric metric,
                                     struct cs_label *a, struct cs_label *b, struct cs_label *c)
{
    struct cs_label *const key[CS_SERIES_LABELS] = {NULL, a, b, c};
    struct cs_series *series = NULL;

    cs_registry_get(recorder->registry, metric, key, UINT32_MAX, &series);
    return series;
}

/* The phases before the first request of a connection: once a connection. */
static void record_phases(struct cs_recorder *recorder, const struct cs_exchange *exchange,
                          const struct cs_verdict *verdict, struct cs_label *family,
                          const struct observation *request)
{
    const struct cs_connection *connection = exchange->connection;
    struct cs_label *endpoint = recorder->endpoints[verdict->endpoint];
    struct cs_label *mechanism = recorder->mechanisms[verdict->mechanism];
    struct observation phase = *request;
    uint64_t end_ns = connection->established_ns;

    if (exchange->connect_failed)
        end_ns = exchange->end_ns;
    if (connection->connect_ns && end_ns >= connection->connect_ns) {
        phase.duration_ns = end_ns - connection->connect_ns;
        observe(
            recorder,
            node_series(recorder, CS_METRIC_ENDPOINT_CONNECT_DURATION, endpoint, family, mechanism),
            &phase);
    }
    end_ns = connection->tls_ready_ns;
    if (!end_ns && verdict->outcome == CS_OUTCOME_TLS_FAILED)
        end_ns = exchange->end_ns;
    if (connection->client_hello_ns && end_ns >= connection->client_hello_ns) {
        phase.duration_ns = end_ns - connection->client_hello_ns;
        observe(recorder,
                node_series(recorder, CS_METRIC_ENDPOINT_TLS_DURATION, endpoint, family, mechanism),
                &phase);
    }
}

static void record_endpoint(struct cs_recorder *recorder, const struct cs_exchange *exchange,
                            const struct cs_verdict *verdict, const struct observation *request)
{
    struct cs_label *endpoint = recorder->endpoints[verdict->endpoint];
    struct cs_label *mechanism = recorder->mechanisms[verdict->mechanism];
    struct cs_label *family = recorder->families[exchange->connection->family == 6];
    enum cs_result result = cs_exchange_endpoint_result(exchange, verdict->outcome);
    struct cs_series *series;

    series = node_series(recorder, CS_METRIC_NODE_REQUESTS, mechanism,
                         recorder->outcomes[verdict->outcome], NULL);
    if (series)
        (*cs_series_value(series))++;
    if (exchange->index == 0)
        record_phases(recorder, exchange, verdict, family, request);
    if (verdict->outcome == CS_OUTCOME_UNOBSERVED)
        return;
    observe(recorder,
            node_series(recorder, CS_METRIC_ENDPOINT_REQUEST_DURATION, endpoint, family, mechanism),
            request);
    if (result == CS_RESULT_NEITHER)
        return;
    series = node_series(recorder,
                         result == CS_RESULT_SUCCESS ? CS_METRIC_ENDPOINT_LAST_SUCCESS
                                                     : CS_METRIC_ENDPOINT_LAST_FAILURE,
                         endpoint, family, NULL);
    if (series)
        *cs_series_value(series) = to_milliseconds(request->realtime_ns);
}

void cs_recorder_exchange(struct cs_recorder *recorder, const struct cs_exchange *exchange,
                          const struct cs_verdict *verdict, const struct cs_subject *subject,
                          uint64_t now_ns)
{
    struct observation observation = {
        .duration_ns = cs_exchange_duration(exchange),
        .realtime_ns =
            realtime(recorder, exchange->answer_ns ? exchange->answer_ns : exchange->end_ns),
        .exemplar = exemplar_label(recorder, subject),
    };
    struct cs_record_target target;

    cs_record_target_init(&target, recorder, subject, now_ns);
    record_workload(recorder, &target, exchange, verdict, &observation);
    record_endpoint(recorder, exchange, verdict, &observation);
    cs_label_unref(recorder->labels, observation.exemplar);
}
