/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/config_kube.h"
#include "app/observer/observer_parts.h"
#include "base/log.h"
#include "base/util.h"
#include "io/code_pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* A node's name that is none gives an empty list, which looks like an idle node. */
static void look_for_nothing(struct cs_observer *observer)
{
    const struct cs_config *config = observer->config;
    struct cs_pod_index_stats pods;
    struct cs_container_stats containers;

    cs_pod_index_stats(observer->pipeline.pods.index, &pods);
    cs_container_table_stats(observer->pipeline.containers, &containers);
    if (observer->kube_found_nothing || pods.live > 0 || containers.containers == 0)
        return;
    observer->kube_found_nothing = true;
    cs_warn(
        "no pod of node %s was told of, yet %u containers run here: is that the node's name? %s",
        config->node_name, containers.containers,
        config->node_name_guessed ? "It is the host name; set NODE_NAME from spec.nodeName, or "
                                    "give --node-name"
                                  : "See --node-name");
}

static void on_event(void *data, const struct cs_kube_event *event)
{
    struct cs_observer *observer = data;

    cs_pod_index_event(observer->pipeline.pods.index, event, observer->pipeline.now_ns);
    if (event->kind != CS_KUBE_LIST_END)
        return;
    look_for_nothing(observer);
    /* OpenSSL's start touched most of it. */
    if (!cs_kube_client_state(observer->kube)->synced)
        cs_code_pages_release();
}

static void set_readiness(struct cs_observer *observer, const char *why)
{
    const char *text = NULL;

    if (!cs_kube_client_state(observer->kube)->synced) {
        snprintf(observer->not_ready, sizeof(observer->not_ready),
                 "the first list of pods is not in%s%s", why ? ": " : "", why ? why : "");
        text = observer->not_ready;
    }
    observer->pages.not_ready = text;
    observer->api.not_ready = text;
}

static void on_state(void *data, const struct cs_kube_state *state)
{
    struct cs_observer *observer = data;

    set_readiness(observer, state->why);
}

static void turn(struct cs_observer *observer)
{
    uint64_t due_ns;

    observer->pipeline.now_ns = cs_monotonic_ns();
    cs_kube_client_run(observer->kube, observer->pipeline.now_ns);
    due_ns = cs_kube_client_timeout(observer->kube, cs_monotonic_ns());
    cs_timer_set(observer->kube_timer, due_ns ? due_ns : 1, 0); /* 0 would disarm it */
    cs_observer_settle(observer);
}

static void on_ready(void *data, uint32_t events)
{
    (void)events;
    turn(data);
}

static void on_due(void *data)
{
    turn(data);
}

int cs_observer_make_kube(struct cs_observer *observer)
{
    const struct cs_config *config = observer->config;
    struct cs_kube_client_options options;
    int error;

    if (config->kube == CS_KUBE_NONE) {
        cs_info("nobody tells of pods (--kube none): they are named by their UID");
        return 0;
    }
    cs_config_kube_options(config, &options);
    options.on_event = on_event;
    options.on_state = on_state;
    options.data = observer;
    error = cs_kube_client_new(&options, &observer->kube);
    if (error < 0)
        return cs_error_r(error, "--kube: can't make its client: %s", strerror(-error));
    set_readiness(observer, NULL);
    error = cs_loop_add(observer->loop, cs_kube_client_fd(observer->kube), EPOLLIN, on_ready,
                        observer, &observer->kube_watch);
    if (error == 0)
        error = cs_loop_add_timer(observer->loop, on_due, observer, &observer->kube_timer);
    if (error == 0)
        error = cs_timer_set(observer->kube_timer, 1, 0);
    if (error < 0)
        return cs_error_r(error, "can't watch the source of pods: %s", strerror(-error));
    return 0;
}

void cs_observer_stop_kube(struct cs_observer *observer)
{
    cs_loop_remove(observer->loop, observer->kube_watch);
    cs_loop_remove(observer->loop, observer->kube_timer);
    cs_kube_client_free(observer->kube);
    observer->kube = NULL;
}
