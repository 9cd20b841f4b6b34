/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_report.h"

static const char *const SKIP_NAMES[] = {
    [CS_KUBE_SKIP_TOO_LARGE] = "too_large",       [CS_KUBE_SKIP_TOO_DEEP] = "too_deep",
    [CS_KUBE_SKIP_BAD_UTF8] = "bad_utf8",         [CS_KUBE_SKIP_MALFORMED] = "malformed",
    [CS_KUBE_SKIP_UNKNOWN_TYPE] = "unknown_type", [CS_KUBE_SKIP_TRUNCATED] = "truncated",
};
_Static_assert(CS_ARRAY_SIZE(SKIP_NAMES) == CS_KUBE_SKIP_END, "skip names");

static const char *const COUNT_NAMES[] = {
    [CS_KUBE_COUNT_LISTED] = "listed",   [CS_KUBE_COUNT_CHANGED] = "changed",
    [CS_KUBE_COUNT_DELETED] = "deleted", [CS_KUBE_COUNT_BOOKMARK] = "bookmark",
    [CS_KUBE_COUNT_ERROR] = "error",
};
_Static_assert(CS_ARRAY_SIZE(COUNT_NAMES) == CS_KUBE_COUNT_END, "count names");

static const struct {
    const char *name, *words;
} FAILURES[] = {
    [CS_KUBE_FAILURE_NONE] = {"none", NULL},
    [CS_KUBE_FAILURE_RESOLVE] = {"resolve", "the host name doesn't resolve"},
    [CS_KUBE_FAILURE_CONNECT] = {"connect", "can't connect"},
    [CS_KUBE_FAILURE_CERTIFICATE] = {"certificate", "the server's certificate is not of the CA "
                                                    "file's authority, or not for its address"},
    [CS_KUBE_FAILURE_TLS] = {"tls", "the TLS handshake failed"},
    [CS_KUBE_FAILURE_TOKEN] = {"token", "the token, CA or client certificate file is unusable"},
    [CS_KUBE_FAILURE_SILENT] = {"silent", "no answer in time"},
    [CS_KUBE_FAILURE_SLOW] = {"slow", "the answer took too long"},
    [CS_KUBE_FAILURE_CUT] = {"cut", "the connection was cut"},
    [CS_KUBE_FAILURE_PROTOCOL] = {"protocol", "the answer is no pod list"},
    [CS_KUBE_FAILURE_EXPIRED] = {"expired", "the resource version expired (410)"},
    [CS_KUBE_FAILURE_DENIED] = {"denied", "access denied (401, 403): is the service account "
                                          "allowed to list and watch pods?"},
    [CS_KUBE_FAILURE_THROTTLED] = {"throttled", "throttled (429)"},
    [CS_KUBE_FAILURE_REFUSED] = {"refused", "the server refused the request (4xx)"},
    [CS_KUBE_FAILURE_SERVER] = {"server", "the server failed (5xx)"},
    [CS_KUBE_FAILURE_FILE] = {"file", "the file can't be read"},
    [CS_KUBE_FAILURE_OTHER] = {"other", "the request failed"},
};
_Static_assert(CS_ARRAY_SIZE(FAILURES) == CS_KUBE_FAILURE_END, "failure names");

const char *cs_kube_skip_name(enum cs_kube_skip skip)
{
    return SKIP_NAMES[skip];
}

const char *cs_kube_count_name(enum cs_kube_count count)
{
    return COUNT_NAMES[count];
}

const char *cs_kube_failure_name(enum cs_kube_failure failure)
{
    return FAILURES[failure].name;
}

const char *cs_kube_failure_words(enum cs_kube_failure failure)
{
    return FAILURES[failure].words;
}

static void tell(const struct cs_kube_report *report)
{
    if (report->on_state)
        report->on_state(report->state_data, &report->state);
}

void cs_kube_report_list_begin(struct cs_kube_report *report)
{
    struct cs_kube_event event = {.kind = CS_KUBE_LIST_BEGIN};

    report->list_skipped = 0;
    report->on_event(report->event_data, &event);
}

void cs_kube_report_list_end(struct cs_kube_report *report, uint64_t now)
{
    struct cs_kube_event event = {.kind = CS_KUBE_LIST_END, .skipped = report->list_skipped};
    bool first = !report->state.synced;

    report->on_event(report->event_data, &event);
    report->state.synced = true;
    report->state.synced_ns = now;
    report->state.last_heard_ns = now;
    if (first)
        tell(report);
}

void cs_kube_report_pod(struct cs_kube_report *report, enum cs_kube_event_kind kind,
                        enum cs_kube_count count, struct cs_slice pod)
{
    struct cs_kube_event event = {.kind = kind, .pod = pod};

    report->stats.counts[count]++;
    report->on_event(report->event_data, &event);
}

void cs_kube_report_skip(struct cs_kube_report *report, enum cs_kube_skip why)
{
    report->stats.skipped[why]++;
    report->list_skipped++;
}

void cs_kube_report_status(struct cs_kube_report *report, int code)
{
    size_t i = 0;

    while (i < CS_KUBE_CODES - 1 && report->stats.requests[i].code != code &&
           report->stats.requests[i].code != 0)
        i++;
    if (i < CS_KUBE_CODES - 1)
        report->stats.requests[i].code = (uint16_t)code;
    report->stats.requests[i].count++;
}

void cs_kube_report_connected(struct cs_kube_report *report)
{
    struct cs_kube_state *state = &report->state;

    if (state->connected)
        return;
    state->connected = true;
    state->disconnected_ns = 0;
    state->why = NULL;
    tell(report);
}

void cs_kube_report_failed(struct cs_kube_report *report, uint64_t now,
                           enum cs_kube_failure failure)
{
    struct cs_kube_state *state = &report->state;
    const char *why = FAILURES[failure].words;

    report->stats.failures[failure]++;
    if (!state->connected && state->why == why)
        return;
    if (state->connected || state->disconnected_ns == 0)
        state->disconnected_ns = now;
    state->connected = false;
    state->why = why;
    tell(report);
}

void cs_kube_report_heard(struct cs_kube_report *report, uint64_t now)
{
    report->state.last_heard_ns = now;
}

uint64_t cs_kube_lag_ns(const struct cs_kube_state *state, uint64_t now)
{
    if (state->connected || state->last_heard_ns == 0 || now < state->last_heard_ns)
        return 0;
    return now - state->last_heard_ns;
}
