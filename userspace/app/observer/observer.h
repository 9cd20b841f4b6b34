/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observer: every part of `credscope run` and how they hang together. Made by
 * cs_observer_new in the order of the fields, taken apart in the reverse order.
 */
#ifndef CS_APP_OBSERVER_H
#define CS_APP_OBSERVER_H

#include "app/config/config.h"
#include "app/observer/observer_state.h"
#include "app/pipeline/pipeline.h"
#include "app/serve/api.h"
#include "app/serve/pages.h"
#include "io/capabilities.h"
#include "io/cgroup_fs.h"
#include "io/event_loop.h"
#include "io/http_server.h"
#include "io/kernel.h"
#include "io/kube_client.h"
#include "io/log_file.h"
#include "io/sensor.h"
#include "io/unix_socket.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_RUN_ID_LEN 33 /* 128 bits in hex and NUL */

/* Places where things can be lost: rows of the metric LOST and of the event log's loss records. */
#define CS_LOSS_ROWS_MAX 96

struct cs_observer_server {
    struct cs_http_server *http;
    struct cs_watch *watch;
    struct cs_watch *timer;
};

struct cs_observer {
    const struct cs_config *config;
    struct cs_loop *loop;
    struct cs_kernel kernel;
    struct cs_cgroup_fs cgroup;
    struct cs_sensor *sensor;
    bool cgroup_events;    /* new cgroups are told by facts */
    uint64_t next_walk_ns; /* not before then because of a lost one */
    struct cs_watch *sensor_watch;
    struct cs_watch *housekeeping; /* once a second */
    struct cs_watch *deadline;     /* the pipeline's next, if it has one */
    uint64_t deadline_ns;          /* for when it is armed; UINT64_MAX: it is not */
    struct cs_expect *expect;      /* the pipeline's findings use it */
    int64_t expect_warned_s;       /* entries that expired until then have been told */
    struct cs_pipeline pipeline;
    struct cs_observer_state state;
    struct cs_kube_client *kube; /* NULL: --kube none */
    struct cs_watch *kube_watch;
    struct cs_watch *kube_timer;
    bool kube_found_nothing; /* said so */
    char not_ready[256];
    struct cs_pages pages;
    struct cs_api api;
    struct cs_unix_socket api_socket;
    struct cs_observer_server metrics_server;
    struct cs_observer_server api_server;
    int record_fd; /* --record-facts, else -1 */
    char run_id[CS_RUN_ID_LEN];
    uint64_t started_ns;     /* CLOCK_MONOTONIC, when all programs were attached */
    uint64_t next_losses_ns; /* when to report losses, and when to expire, next */
    uint64_t next_expire_ns;
    uint32_t preexisting_sockets;
    bool preexisting_known;
    uint64_t losses_logged[CS_LOSS_ROWS_MAX];
    int error; /* what stopped the loop; 0: a signal */
};

/* Build everything and attach. 0, or -errno after one line of error: the node lacks something or
 * a flag's value can't be used. config must outlive the observer. */
int cs_observer_new(const struct cs_config *config, struct cs_observer **observer);

/* Until a signal asks to stop: 0, or -errno, logged. */
int cs_observer_run(struct cs_observer *observer);

/* Accepts NULL and a half-built one. Detaches, writes what waits, removes the API's socket. */
void cs_observer_free(struct cs_observer *observer);

/* To be called when facts or pods were fed: write what waits, see to the pipeline's next
 * deadline. */
void cs_observer_settle(struct cs_observer *observer);

/* Take over the wall clock as it is now. */
void cs_observer_set_wall_offset(struct cs_observer *observer);

#endif
