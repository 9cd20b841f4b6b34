/* SPDX-License-Identifier: Apache-2.0 */
/* Where pods' names come from: asked once, as `run` would ask. */
#include "app/check/command_check_parts.h"
#include "app/config/config_kube.h"
#include "base/util.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define WAIT_NS   (5 * CS_NSEC_PER_SEC)
#define LINE_NAME "pods' names"

struct asking {
    struct cs_kube_client *client;
    const char *why; /* the first failure; the client would go on trying */
    uint64_t pods;
};

static void on_event(void *data, const struct cs_kube_event *event)
{
    if (event->kind == CS_KUBE_POD)
        ((struct asking *)data)->pods++;
}

static void on_state(void *data, const struct cs_kube_state *state)
{
    struct asking *asking = data;

    if (!asking->why)
        asking->why = state->why;
}

static uint64_t answers(const struct cs_kube_client *client)
{
    const struct cs_kube_stats *stats = cs_kube_client_stats(client);
    uint64_t count = 0;

    for (size_t i = 0; i < CS_KUBE_CODES; i++)
        count += stats->requests[i].count;
    return count;
}

/* To watch is a right of its own, so the API server's answer to the first watch counts too. */
static bool asked_all(const struct asking *asking, enum cs_kube_source source)
{
    return cs_kube_client_state(asking->client)->synced &&
           (source != CS_KUBE_API || answers(asking->client) >= 2);
}

/* Until all is answered, the first failure, or WAIT_NS. */
static void ask(struct asking *asking, enum cs_kube_source source)
{
    uint64_t now = cs_monotonic_ns(), end = now + WAIT_NS;

    while (now < end && !asking->why && !asked_all(asking, source)) {
        struct pollfd fd = {.fd = cs_kube_client_fd(asking->client), .events = POLLIN};
        uint64_t wait = cs_kube_client_timeout(asking->client, now);

        if (wait > end - now)
            wait = end - now;
        poll(&fd, 1, (int)(wait / CS_NSEC_PER_MSEC) + 1);
        now = cs_monotonic_ns();
        cs_kube_client_run(asking->client, now);
        now = cs_monotonic_ns();
    }
}

static const char *source_text(const struct cs_config *config)
{
    return config->kube == CS_KUBE_FILE ? config->kube_file : config->kube_api;
}

static void advise(struct cs_check_line *line, const struct cs_kube_stats *stats)
{
    if (stats->failures[CS_KUBE_FAILURE_DENIED])
        cs_check_advise(line, "pods stay without names; its service account needs to list and "
                              "watch pods (deploy/daemonset.yaml), or give --kube-token");
    else if (stats->failures[CS_KUBE_FAILURE_CERTIFICATE])
        cs_check_advise(line,
                        "pods stay without names; give the server's authority with --kube-ca");
    else if (stats->failures[CS_KUBE_FAILURE_TOKEN])
        cs_check_advise(line, "pods stay without names; see --kube-token, --kube-cert, --kube-key");
    else
        cs_check_advise(line, "pods stay without names until it answers; `run` keeps trying");
}

static void report(struct cs_check *check, const struct asking *asking)
{
    const struct cs_config *config = &check->config;
    struct cs_check_line *line;

    if (!cs_kube_client_state(asking->client)->synced) {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, LINE_NAME, "%.256s: %s",
                            source_text(config), asking->why ? asking->why : "no answer in 5 s");
        advise(line, cs_kube_client_stats(asking->client));
    } else if (asking->why) {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, LINE_NAME,
                            "%.256s: %llu pods listed, but not watched: %s", source_text(config),
                            (unsigned long long)asking->pods, asking->why);
        advise(line, cs_kube_client_stats(asking->client));
    } else if (asking->pods == 0) {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, LINE_NAME,
                            "%.256s: it has no pod of node %s", source_text(config),
                            config->node_name);
        cs_check_advise(line, "pods stay without names unless that is the node's name; set "
                              "NODE_NAME from spec.nodeName, or give --node-name");
    } else {
        cs_check_add(&check->report, CS_CHECK_OK, LINE_NAME, "%.256s: %llu pods",
                     source_text(config), (unsigned long long)asking->pods);
    }
}

void cs_check_names(struct cs_check *check)
{
    struct asking asking = {0};
    struct cs_kube_client_options options;
    char why[CS_OPTION_WHY_MAX];
    struct cs_check_line *line;
    int error;

    if (cs_config_settle_kube(&check->config, why) < 0) {
        cs_check_add(&check->report, CS_CHECK_MISSING, LINE_NAME, "%s", why);
        return;
    }
    if (check->config.kube == CS_KUBE_NONE) {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, LINE_NAME,
                            "they come from nowhere (--kube none)");
        cs_check_advise(line, "pods are shown by their UID");
        return;
    }
    cs_config_kube_options(&check->config, &options);
    options.on_event = on_event;
    options.on_state = on_state;
    options.data = &asking;
    error = cs_kube_client_new(&options, &asking.client);
    if (error < 0) {
        line = cs_check_add(&check->report, CS_CHECK_MISSING, LINE_NAME, "%.256s: %s",
                            source_text(&check->config), strerror(-error));
        cs_check_advise(line, "see --kube and --kube-api");
        return;
    }
    ask(&asking, check->config.kube);
    report(check, &asking);
    cs_kube_client_free(asking.client);
}
