/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the watch: what is asked for, what answers mean, when to give up. */
#ifndef CS_CORE_KUBE_WATCH_PRIVATE_H
#define CS_CORE_KUBE_WATCH_PRIVATE_H

#include "core/kube/kube_watch.h"

enum cs_kube_list_from {
    CS_KUBE_FROM_CACHE,      /* resourceVersion=0 */
    CS_KUBE_FROM_ETCD,       /* consistent, in pages */
    CS_KUBE_FROM_ETCD_WHOLE, /* consistent, in one: a continue token expired */
};

struct cs_kube_watch {
    struct cs_kube_watch_options options;
    struct cs_kube_report *report;
    struct cs_kube_list list;
    struct cs_kube_lines lines;
    struct cs_kube_backoff backoff;

    /* What comes next, or is under way. */
    bool watching; /* a watch, not a list */
    enum cs_kube_list_from from;
    uint64_t due; /* of the next request */
    char version[CS_KUBE_VERSION_MAX];
    char continue_token[CS_KUBE_CONTINUE_MAX + 1]; /* "": a list's first page */
    uint32_t pages;
    bool ever_listed;
    bool resuming; /* a watch was open since the list */

    /* The request under way. */
    bool busy;
    int status;
    uint64_t started, last_byte, longest_ns, retry_after;
    uint64_t promised_ns; /* timeoutSeconds of a watch */
    uint64_t error_bytes; /* of a body that is no list and no watch */
    uint64_t lines_heard; /* events and bookmarks of this watch */
    bool expired, errored;
    enum cs_kube_failure aborted; /* the deadline it missed */

    /* Since the last progress. */
    uint32_t watch_failures, expirations;
};

/* Write the next request's target. 0 or -ENAMETOOLONG. */
int cs_kube_watch_target(struct cs_kube_watch *watch, struct cs_kube_request *request);

/* Act on one line of a watch. */
void cs_kube_watch_line(struct cs_kube_watch *watch, uint64_t now, struct cs_slice line);

#endif
