/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kube_client.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "io/kube_client_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#define CONNECT_NS_DEFAULT (10 * CS_NSEC_PER_SEC)
#define LOG_EVERY_NS       (10 * CS_NSEC_PER_SEC)
#define LOG_AGAIN_NS       (300 * CS_NSEC_PER_SEC) /* the same failure */

int cs_kube_client_cluster_url(char url[CS_KUBE_URL_MAX])
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");

    if (!host || !port || host[0] == '\0' || port[0] == '\0')
        return -ENOENT;
    return cs_kube_url_make(host, port, url);
}

static int copy(char *to, size_t size, const char *from)
{
    if (!from)
        from = "";
    return cs_text_copy(to, size, from, strlen(from)) ? 0 : -ENAMETOOLONG;
}

static int copy_options(struct cs_kube_client *client, const struct cs_kube_client_options *options)
{
    const struct {
        char *to;
        size_t size;
        const char *from;
    } copies[] = {
        {client->node_name, sizeof(client->node_name), options->node_name},
        {client->token_file, sizeof(client->token_file), options->token_file},
        {client->ca_file, sizeof(client->ca_file), options->ca_file},
        {client->cert_file, sizeof(client->cert_file), options->cert_file},
        {client->key_file, sizeof(client->key_file), options->key_file},
        {client->file_name, sizeof(client->file_name), options->file},
    };
    int error = 0;

    for (size_t i = 0; i < CS_ARRAY_SIZE(copies) && error == 0; i++)
        error = copy(copies[i].to, copies[i].size, copies[i].from);
    client->source = options->source;
    if (error == 0 && client->source != CS_KUBE_CLIENT_FILE)
        error = cs_kube_url_clean(options->url ? options->url : "", client->url);
    client->on_state = options->on_state;
    client->data = options->data;
    client->report = (struct cs_kube_report){
        .on_event = options->on_event,
        .event_data = options->data,
        .on_state = cs_kube_client_on_state,
        .state_data = client,
    };
    return error;
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    /* Without one, nodes may come back in step: no reason not to go on. */
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (uint64_t)getpid();
    return seed;
}

static int make_watch(struct cs_kube_client *client, const struct cs_kube_client_options *options)
{
    struct cs_kube_watch_options watch = options->watch;

    if (watch.pod_bytes_max == 0)
        watch = CS_KUBE_WATCH_DEFAULTS;
    watch.poll = client->source == CS_KUBE_CLIENT_KUBELET;
    watch.path = watch.poll ? "/pods" : "/api/v1/pods";
    watch.node_name = watch.poll ? "" : client->node_name;
    watch.seed = random_seed();
    return cs_kube_watch_new(&watch, &client->report, &client->watch);
}

static void free_client(struct cs_kube_client **client)
{
    cs_kube_client_free(*client);
}

int cs_kube_client_new(const struct cs_kube_client_options *options, struct cs_kube_client **client)
{
    CS_CLEANUP(free_client) struct cs_kube_client *new = calloc(1, sizeof(*new));
    int error;

    if (!new)
        return -ENOMEM;
    new->file.fd = -1;
    new->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (new->epoll_fd < 0)
        return -errno;
    error = copy_options(new, options);
    if (error < 0)
        return error;
    if (new->source == CS_KUBE_CLIENT_FILE) {
        cs_kube_file_open(new, options, random_seed());
    } else {
        error = make_watch(new, options);
        if (error == 0)
            error = cs_kube_http_open(new, options->connect_ns ? options->connect_ns
                                                               : CONNECT_NS_DEFAULT);
        if (error < 0)
            return error;
    }
    *client = TAKE_PTR(new);
    return 0;
}

void cs_kube_client_free(struct cs_kube_client *client)
{
    if (!client)
        return;
    cs_kube_http_close(client);
    cs_kube_token_forget(&client->token);
    cs_kube_file_close(client);
    cs_kube_watch_free(client->watch);
    if (client->epoll_fd >= 0)
        close(client->epoll_fd);
    free(client);
}

int cs_kube_client_fd(const struct cs_kube_client *client)
{
    return client->epoll_fd;
}

uint64_t cs_kube_client_timeout(const struct cs_kube_client *client, uint64_t now)
{
    uint64_t due = client->file.due;

    if (client->source != CS_KUBE_CLIENT_FILE) {
        due = cs_kube_watch_due(client->watch);
        if (client->http.due < due)
            due = client->http.due;
    }
    return due > now ? due - now : 0;
}

void cs_kube_client_run(struct cs_kube_client *client, uint64_t now)
{
    client->now = now;
    if (client->source == CS_KUBE_CLIENT_FILE)
        cs_kube_file_run(client);
    else
        cs_kube_http_run(client);
}

const struct cs_kube_stats *cs_kube_client_stats(const struct cs_kube_client *client)
{
    return &client->report.stats;
}

const struct cs_kube_state *cs_kube_client_state(const struct cs_kube_client *client)
{
    return &client->report.state;
}

static const char *place(const struct cs_kube_client *client)
{
    return client->source == CS_KUBE_CLIENT_FILE ? client->file_name : client->url;
}

static void log_failure(struct cs_kube_client *client, const struct cs_kube_state *state)
{
    struct cs_kube_log *log = &client->log;
    const char *detail = client->http.error;

    if (client->now < log->next_ns ||
        (log->failing && log->last == state->why && client->now < log->next_ns + LOG_AGAIN_NS)) {
        log->suppressed++;
        return;
    }
    cs_warn("pods from %s: %s%s%s%s; trying again", place(client), state->why,
            detail[0] ? " (" : "", detail, detail[0] ? ")" : "");
    log->failing = true;
    log->last = state->why;
    log->next_ns = client->now + LOG_EVERY_NS;
}

static void log_state(struct cs_kube_client *client, const struct cs_kube_state *state)
{
    struct cs_kube_log *log = &client->log;

    if (!state->connected) {
        log_failure(client, state);
        return;
    }
    if (!state->synced || (!log->failing && log->last != NULL))
        return;
    if (log->suppressed)
        cs_info("pods from %s: connected (%llu changes of state not logged)", place(client),
                (unsigned long long)log->suppressed);
    else
        cs_info("pods from %s: connected", place(client));
    log->failing = false;
    log->last = "";
    log->suppressed = 0;
}

void cs_kube_client_on_state(void *data, const struct cs_kube_state *state)
{
    struct cs_kube_client *client = data;

    log_state(client, state);
    if (client->on_state)
        client->on_state(client->data, state);
}
