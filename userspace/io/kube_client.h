/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods from the API server, the kubelet or a file, over libcurl without blocking: add
 * cs_kube_client_fd to the event loop and call cs_kube_client_run when it is readable, and when
 * cs_kube_client_timeout says so. Failures are states and log lines (few: one in ten seconds at
 * most), never the end: it tries again for ever, with jittered backoff. A pod's text is never
 * logged; the token is sent over https only and to no other host (redirects are not followed).
 *
 * No threads of its own; but a host *name* is looked up in a thread by libcurl where that was
 * built with the threaded resolver (Debian's is). Inside a cluster the API server is an address.
 * libcurl, and the TLS library below it, are initialised with the first client that needs them.
 *
 * The proxy variables (https_proxy, no_proxy …) are honoured by libcurl.
 */
#ifndef CS_IO_KUBE_CLIENT_H
#define CS_IO_KUBE_CLIENT_H

#include "core/kube/kube_report.h"
#include "core/kube/kube_url.h"
#include "core/kube/kube_watch.h"

#define CS_KUBE_MOUNT      "/var/run/secrets/kubernetes.io/serviceaccount/"
#define CS_KUBE_TOKEN_FILE CS_KUBE_MOUNT "token"
#define CS_KUBE_CA_FILE    CS_KUBE_MOUNT "ca.crt"

enum cs_kube_client_source {
    CS_KUBE_CLIENT_API,     /* list and watch pods of the node */
    CS_KUBE_CLIENT_KUBELET, /* poll the kubelet's /pods: it has no watch */
    CS_KUBE_CLIENT_FILE,    /* read a PodList, again when the file changes */
};

/* Strings are copied; NULL is as "". */
struct cs_kube_client_options {
    enum cs_kube_client_source source;
    const char *url;        /* API and kubelet: see core/kube/kube_url.h */
    const char *node_name;  /* API: for the field selector */
    const char *token_file; /* read again when it changes and when it was refused; "": none */
    const char *ca_file;    /* the only authorities that are trusted; "": the system's */
    const char *cert_file;  /* client certificate and key, PEM; "": none */
    const char *key_file;
    const char *file; /* FILE */

    cs_kube_event_fn on_event;
    cs_kube_state_fn on_state; /* may be NULL */
    void *data;

    /* Bounds and times; zeroed: CS_KUBE_WATCH_DEFAULTS. path, node_name, poll and seed of it are
     * not used. */
    struct cs_kube_watch_options watch;
    uint64_t connect_ns; /* 0: 10 s */
    uint64_t file_ns;    /* between looks at the file; 0: 2 s */
};

struct cs_kube_client;

/*
 * The callbacks come from cs_kube_client_run only; they may not free the client. 0; -EINVAL: the
 * URL; or another -errno. *client is untouched on failure. Files are not read yet: an unreadable
 * one is a state.
 */
int cs_kube_client_new(const struct cs_kube_client_options *options,
                       struct cs_kube_client **client);

/* Accepts NULL. */
void cs_kube_client_free(struct cs_kube_client *client);

/* An epoll descriptor, the client's. */
int cs_kube_client_fd(const struct cs_kube_client *client);

/* ns from now until cs_kube_client_run has something to do although the fd isn't readable; 0: at
 * once. */
uint64_t cs_kube_client_timeout(const struct cs_kube_client *client, uint64_t now);
void cs_kube_client_run(struct cs_kube_client *client, uint64_t now);

const struct cs_kube_stats *cs_kube_client_stats(const struct cs_kube_client *client);
const struct cs_kube_state *cs_kube_client_state(const struct cs_kube_client *client);

/* From KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. 0, -ENOENT: not set, -EINVAL. */
int cs_kube_client_cluster_url(char url[CS_KUBE_URL_MAX]);

#endif
