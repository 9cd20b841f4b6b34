/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source of pods counts and tells: the one place through which events, states and
 * statistics leave it, whatever its protocol. No clock: times are CLOCK_MONOTONIC ns, given.
 */
#ifndef CS_CORE_KUBE_REPORT_H
#define CS_CORE_KUBE_REPORT_H

#include "core/kube/kube_event.h"

/* Why a pod or event was not handed over. Label values are cs_kube_skip_name's. */
enum cs_kube_skip {
    CS_KUBE_SKIP_TOO_LARGE,
    CS_KUBE_SKIP_TOO_DEEP,
    CS_KUBE_SKIP_BAD_UTF8,
    CS_KUBE_SKIP_MALFORMED,
    CS_KUBE_SKIP_UNKNOWN_TYPE, /* a watch event of a type that is none of the five */
    CS_KUBE_SKIP_TRUNCATED,    /* the stream ended within it */
    CS_KUBE_SKIP_END,
};

/* Watch events and listed pods by kind, handed over or understood. */
enum cs_kube_count {
    CS_KUBE_COUNT_LISTED,
    CS_KUBE_COUNT_CHANGED, /* ADDED, MODIFIED */
    CS_KUBE_COUNT_DELETED,
    CS_KUBE_COUNT_BOOKMARK,
    CS_KUBE_COUNT_ERROR,
    CS_KUBE_COUNT_END,
};

/* What came of a request. */
enum cs_kube_failure {
    CS_KUBE_FAILURE_NONE,
    CS_KUBE_FAILURE_RESOLVE,
    CS_KUBE_FAILURE_CONNECT,
    CS_KUBE_FAILURE_CERTIFICATE, /* the server's is not of our CA, or the CA file is unusable */
    CS_KUBE_FAILURE_TLS,
    CS_KUBE_FAILURE_TOKEN,     /* the token or client certificate file can't be read */
    CS_KUBE_FAILURE_SILENT,    /* no answer, or no byte of it, for too long */
    CS_KUBE_FAILURE_SLOW,      /* not ended after its longest time */
    CS_KUBE_FAILURE_CUT,       /* the connection ended before the answer did */
    CS_KUBE_FAILURE_PROTOCOL,  /* no HTTP, no JSON, no list */
    CS_KUBE_FAILURE_EXPIRED,   /* 410: the resource version or continue token is too old */
    CS_KUBE_FAILURE_DENIED,    /* 401, 403 */
    CS_KUBE_FAILURE_THROTTLED, /* 429 */
    CS_KUBE_FAILURE_REFUSED,   /* other 4xx */
    CS_KUBE_FAILURE_SERVER,    /* 5xx, and ERROR events but 410 */
    CS_KUBE_FAILURE_FILE,      /* the file can't be read */
    CS_KUBE_FAILURE_OTHER,
    CS_KUBE_FAILURE_END,
};

#define CS_KUBE_CODES 16

struct cs_kube_stats {
    struct {
        uint16_t code; /* HTTP status; 0: free, or with the last slot all codes without one */
        uint64_t count;
    } requests[CS_KUBE_CODES]; /* answered requests by status */
    uint64_t failures[CS_KUBE_FAILURE_END];
    uint64_t lists;      /* begun, the first included */
    uint64_t relists;    /* begun, but for the first and the polls of a poller */
    uint64_t watches;    /* begun */
    uint64_t reconnects; /* watches begun to go on where another ended */
    uint64_t counts[CS_KUBE_COUNT_END];
    uint64_t skipped[CS_KUBE_SKIP_END];
    uint64_t bytes; /* of bodies */
};

struct cs_kube_report {
    cs_kube_event_fn on_event;
    void *event_data;
    cs_kube_state_fn on_state; /* may be NULL */
    void *state_data;
    struct cs_kube_state state;
    struct cs_kube_stats stats;
    uint64_t list_skipped; /* of the list that is coming in */
};

const char *cs_kube_skip_name(enum cs_kube_skip skip);
const char *cs_kube_count_name(enum cs_kube_count count);
/* A label value: "connect"; and words for people: "can't connect to the API server". */
const char *cs_kube_failure_name(enum cs_kube_failure failure);
const char *cs_kube_failure_words(enum cs_kube_failure failure);

void cs_kube_report_list_begin(struct cs_kube_report *report);
void cs_kube_report_list_end(struct cs_kube_report *report, uint64_t now);
/* kind: CS_KUBE_POD or CS_KUBE_DELETED. */
void cs_kube_report_pod(struct cs_kube_report *report, enum cs_kube_event_kind kind,
                        enum cs_kube_count count, struct cs_slice pod);
void cs_kube_report_skip(struct cs_kube_report *report, enum cs_kube_skip why);

void cs_kube_report_status(struct cs_kube_report *report, int code);
void cs_kube_report_connected(struct cs_kube_report *report);
void cs_kube_report_failed(struct cs_kube_report *report, uint64_t now,
                           enum cs_kube_failure failure);
void cs_kube_report_heard(struct cs_kube_report *report, uint64_t now);

/* By how many ns the picture may be behind: since the source was last heard, 0 while connected or
 * never heard. */
uint64_t cs_kube_lag_ns(const struct cs_kube_state *state, uint64_t now);

#endif
