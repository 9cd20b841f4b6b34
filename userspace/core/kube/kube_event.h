/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source of pods (API server, kubelet, file) tells its consumer, one pod at a time. Pure
 * declarations; the source calls from the event loop's thread, never re-entrantly.
 *
 * Order: LIST_BEGIN, any number of POD, LIST_END, then POD and DELETED as things change. A list
 * that fails in the middle has no LIST_END: the pods it gave are true, what it did not give is not
 * gone, and the next LIST_BEGIN starts over. LIST_BEGIN comes again at every relist (410 Gone,
 * poll, changed file); pods may be repeated, within a list too, and may go back in time a little
 * (a list from the API server's cache).
 */
#ifndef CS_CORE_KUBE_EVENT_H
#define CS_CORE_KUBE_EVENT_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one pod's JSON. etcd takes 1.5 MiB per object by default. */
#define CS_KUBE_POD_BYTES_MAX ((size_t)1536 * 1024)
/* Nesting of objects and arrays within one pod, the pod itself being 1. Real pods have 15 or so
 * (managedFields). */
#define CS_KUBE_POD_DEPTH_MAX 64u

enum cs_kube_event_kind {
    CS_KUBE_LIST_BEGIN,
    CS_KUBE_POD,     /* listed, added or modified: this is how the pod is now */
    CS_KUBE_DELETED, /* its last state; containers can run on for seconds (forced deletion) */
    CS_KUBE_LIST_END,
};

struct cs_kube_event {
    enum cs_kube_event_kind kind;
    /*
     * POD and DELETED: one JSON object, from its '{' to its '}'. The source's memory, valid
     * during the call only, not NUL-terminated. 2 … CS_KUBE_POD_BYTES_MAX bytes, well-formed
     * (RFC 8259, checked), valid UTF-8, nested at most CS_KUBE_POD_DEPTH_MAX deep. Everything
     * else is the consumer's to doubt: any field may be absent, null, duplicated or of the wrong
     * type; "kind" is absent in lists; the pod may be another node's (a file, an API that
     * ignores the field selector). Never log it: pods hold secrets in env values.
     */
    struct cs_slice pod;
    /* LIST_END: pods of this list that could not be handed over (too large, malformed). 0: every
     * pod not listed since LIST_BEGIN is gone. Otherwise one not listed may still exist. */
    uint64_t skipped;
};

typedef void (*cs_kube_event_fn)(void *data, const struct cs_kube_event *event);

/* How current the source's picture is. Times are CLOCK_MONOTONIC, ns; 0: never. */
struct cs_kube_state {
    bool connected;           /* the last request is being answered, or was answered with success */
    bool synced;              /* at least one whole list was handed over; stays true */
    uint64_t synced_ns;       /* end of the last whole list */
    uint64_t last_heard_ns;   /* the last list end, event or bookmark. A quiet watch has bookmarks
                               * one or two minutes apart: lag up to 2 min is normal */
    uint64_t disconnected_ns; /* since when not connected; 0 while connected */
    const char *why;          /* static words: what the last failure was; NULL: none */
};

/* Called when connected, synced or why changes. The struct is the source's. */
typedef void (*cs_kube_state_fn)(void *data, const struct cs_kube_state *state);

#endif
