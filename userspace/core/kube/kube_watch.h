/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of one source of pods over HTTP, without the HTTP: when to ask for what, what the
 * answer means, when to give up on it, how long to wait. A watcher lists, watches from the list's
 * resource version on, resumes where a watch ended, and lists again when that is no longer
 * possible; a poller lists again and again (the kubelet has no watch). It never ends by itself.
 *
 * No clock and no connection: `now` is CLOCK_MONOTONIC in ns. The caller runs at most one request
 * at a time:
 *
 *     action = cs_kube_watch_tick(watch, now)        at cs_kube_watch_due, or earlier
 *       START: cs_kube_watch_begin, send it; then _status, _body …, and always one _end
 *       ABORT: drop the connection, then _end with CS_KUBE_FAILURE_NONE
 *
 * Lists ask for resourceVersion=0, the API server's cache: a fleet of nodes that lists after a
 * restart costs etcd nothing, and the picture may be seconds old, which the watch then mends. A
 * consistent list from etcd, in pages, follows where the cache itself is what is wrong: a watch
 * that stayed silent to its end, without even the bookmark that closes it (a resource version
 * from the future, after a restored backup), or two expired versions in a row.
 */
#ifndef CS_CORE_KUBE_WATCH_H
#define CS_CORE_KUBE_WATCH_H

#include "core/kube/kube_backoff.h"
#include "core/kube/kube_line.h"
#include "core/kube/kube_list.h"
#include "core/kube/kube_report.h"

/* Percent-encoding makes three bytes of one, of version or token, and of the node's name. */
#define CS_KUBE_TARGET_MAX (3 * (CS_KUBE_CONTINUE_MAX + 256) + 512)

struct cs_kube_watch_options {
    const char *path;      /* "/api/v1/pods", "/pods"; outlives the watch */
    const char *node_name; /* for the field selector; "" none; outlives the watch */
    bool poll;
    size_t pod_bytes_max;     /* CS_KUBE_POD_BYTES_MAX */
    uint32_t page_limit;      /* pods a page of a consistent list */
    uint64_t poll_ns;         /* from a poll's end to the next */
    uint64_t first_byte_ns;   /* from a request's start to its status */
    uint64_t list_idle_ns;    /* between bytes of a list */
    uint64_t list_longest_ns; /* all of one page */
    uint64_t watch_idle_ns;   /* between bytes of a watch; a quiet one has a bookmark after 121 s */
    uint32_t watch_seconds_min; /* timeoutSeconds: random between these */
    uint32_t watch_seconds_max;
    uint64_t backoff_min_ns, backoff_max_ns;
    uint64_t seed; /* another one a node */
};

/* The defaults for the API server; path and node_name are the caller's to set. */
extern const struct cs_kube_watch_options CS_KUBE_WATCH_DEFAULTS;

struct cs_kube_request {
    char target[CS_KUBE_TARGET_MAX]; /* path and query */
    bool watch;
};

enum cs_kube_action { CS_KUBE_WAIT, CS_KUBE_START, CS_KUBE_ABORT };

struct cs_kube_watch;

/* Begins with a list at once. The report is the caller's and outlives the watch. 0 or -errno. */
int cs_kube_watch_new(const struct cs_kube_watch_options *options, struct cs_kube_report *report,
                      struct cs_kube_watch **watch);

/* Accepts NULL. */
void cs_kube_watch_free(struct cs_kube_watch *watch);

/* When cs_kube_watch_tick has something to say at the latest. */
uint64_t cs_kube_watch_due(const struct cs_kube_watch *watch);
enum cs_kube_action cs_kube_watch_tick(struct cs_kube_watch *watch, uint64_t now);

/* After START. 0, or -ENAMETOOLONG: the target didn't fit; the request counts as failed. */
int cs_kube_watch_begin(struct cs_kube_watch *watch, uint64_t now, struct cs_kube_request *request);

/* The answer's head is in. retry_after: seconds, 0 none. */
void cs_kube_watch_status(struct cs_kube_watch *watch, uint64_t now, int code,
                          uint64_t retry_after);

/* Bytes of the body. False: nothing more is wanted, drop the connection and call _end. */
bool cs_kube_watch_body(struct cs_kube_watch *watch, uint64_t now, const char *bytes, size_t n);

/* The request is over: NONE with a whole answer or on ABORT or _body's false; or why not. */
void cs_kube_watch_end(struct cs_kube_watch *watch, uint64_t now, enum cs_kube_failure failure);

/* Whether a request is under way, and for tests: what it would ask for next. */
bool cs_kube_watch_busy(const struct cs_kube_watch *watch);

#endif
