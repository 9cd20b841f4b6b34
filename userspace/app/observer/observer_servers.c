/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/observer_parts.h"
#include "app/observer/self_metrics.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "io/http_server_listen.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define API_MODE 0600

static void refresh(void *data)
{
    struct cs_observer *observer = data;

    cs_self_metrics_refresh(observer, cs_monotonic_ns());
}

static void serve(struct cs_observer_server *server)
{
    uint64_t due;

    cs_http_server_run(server->http, cs_monotonic_ns());
    due = cs_http_server_timeout(server->http);
    /* 0 would disarm the timer. */
    cs_timer_set(server->timer, due == UINT64_MAX ? 0 : due + 1, 0);
}

static void on_ready(void *data, uint32_t events)
{
    (void)events;
    serve(data);
}

static void on_due(void *data)
{
    serve(data);
}

static int start(struct cs_observer *observer, int fd, const struct cs_http_route *routes,
                 void *data, struct cs_observer_server *server)
{
    int error = cs_http_server_new(fd, routes, data, &server->http);

    if (error == 0)
        error = cs_loop_add(observer->loop, cs_http_server_fd(server->http), EPOLLIN, on_ready,
                            server, &server->watch);
    if (error == 0)
        error = cs_loop_add_timer(observer->loop, on_due, server, &server->timer);
    return error;
}

static const char *why_not(int error, const struct cs_listen *address)
{
    if (error == -EACCES && address->address.sa.sa_family == AF_UNIX)
        return "not permitted; run as the directory's owner or choose another path";
    switch (error) {
    case -EADDRINUSE:
        return "in use by another process; stop it or choose another address";
    case -EADDRNOTAVAIL:
        return "this machine has no such address";
    case -EACCES:
        return "not permitted; ports below 1024 need CAP_NET_BIND_SERVICE";
    case -EEXIST:
        return "there is a file of that name that is no socket";
    default:
        return strerror(-error);
    }
}

static int listen_tcp(const struct cs_listen *address)
{
    return cs_http_listen(&address->address.sa, address->len, address->any);
}

static int listen_api(struct cs_observer *observer)
{
    const struct cs_listen *address = &observer->config->api_listen;
    int error;

    if (address->address.sa.sa_family != AF_UNIX)
        return listen_tcp(address);
    error = cs_unix_socket_listen(address->address.un.sun_path, API_MODE, &observer->api_socket);
    return error < 0 ? error : TAKE_FD(observer->api_socket.fd);
}

static uint64_t wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * CS_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

int cs_observer_make_servers(struct cs_observer *observer)
{
    const struct cs_config *config = observer->config;
    struct cs_pipeline *pipeline = &observer->pipeline;
    struct cs_recorder *recorder = pipeline->recorder;
    int fd, error;

    observer->pages =
        (struct cs_pages){.recorder = recorder, .refresh = refresh, .refresh_data = observer};
    observer->api = (struct cs_api){
        .recorder = recorder,
        .refresh = refresh,
        .refresh_data = observer,
        .node = config->node_name,
        .run_id = observer->run_id,
        .started_ns = wall_ns(),
        .exchanges = pipeline->recent,
        .findings = pipeline->findings,
        .workloads = {.usage = pipeline->pods.usage,
                      .index = pipeline->pods.pending ? pipeline->pods.index : NULL,
                      .labels = cs_pod_index_labels(pipeline->pods.index),
                      .findings = pipeline->findings,
                      .assembler = pipeline->assembler,
                      .identify = cs_pipeline_identify,
                      .user = pipeline},
    };
    fd = listen_tcp(&config->listen);
    error = fd < 0
                ? fd
                : start(observer, fd, CS_PAGES_ROUTES, &observer->pages, &observer->metrics_server);
    if (error < 0)
        return cs_error_r(error, "--listen %s: %s", config->listen.text,
                          why_not(error, &config->listen));
    fd = listen_api(observer);
    error = fd < 0 ? fd : start(observer, fd, CS_API_ROUTES, &observer->api, &observer->api_server);
    if (error < 0)
        return cs_error_r(error, "--api-listen %s: %s", config->api_listen.text,
                          why_not(error, &config->api_listen));
    return 0;
}

void cs_observer_stop_servers(struct cs_observer *observer)
{
    struct cs_observer_server *servers[] = {&observer->metrics_server, &observer->api_server};

    for (size_t i = 0; i < CS_ARRAY_SIZE(servers); i++) {
        cs_loop_remove(observer->loop, servers[i]->watch);
        cs_loop_remove(observer->loop, servers[i]->timer);
        cs_http_server_free(servers[i]->http);
    }
    cs_unix_socket_remove(&observer->api_socket);
}
