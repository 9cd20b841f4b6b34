/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run the Kubernetes client by itself and print what it tells: events with pods' names (never
 * their text), states, and at the end its statistics and memory. For tests/kube/test_client.py
 * and for a look at a real API server. Ends after --run-ms or with SIGTERM.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "io/event_loop.h"
#include "io/kube_client.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

struct cat {
    struct cs_loop *loop;
    struct cs_kube_client *client;
    struct cs_watch *ready, *timer, *stop;
    bool quiet;
    uint64_t run_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CS_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static void print_pod(const char *kind, struct cs_slice pod)
{
    cJSON *json = cJSON_ParseWithLength(pod.data, pod.len);
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(json, "metadata");
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "name"));

    printf("%s %s %zu\n", kind, !json ? "~unparsed" : name ? name : "~unnamed", pod.len);
    cJSON_Delete(json);
}

static void on_event(void *data, const struct cs_kube_event *event)
{
    const struct cat *cat = data;

    switch (event->kind) {
    case CS_KUBE_LIST_BEGIN:
        printf("LIST_BEGIN\n");
        break;
    case CS_KUBE_POD:
        if (!cat->quiet)
            print_pod("POD", event->pod);
        break;
    case CS_KUBE_DELETED:
        if (!cat->quiet)
            print_pod("DELETED", event->pod);
        break;
    case CS_KUBE_LIST_END:
        printf("LIST_END %llu\n", (unsigned long long)event->skipped);
        break;
    }
}

static void on_state(void *data, const struct cs_kube_state *state)
{
    (void)data;
    printf("STATE %s %s %s\n", state->connected ? "connected" : "disconnected",
           state->synced ? "synced" : "unsynced", state->why ? state->why : "-");
}

static void run(struct cat *cat)
{
    uint64_t now = now_ns(), timeout;

    cs_kube_client_run(cat->client, now);
    timeout = cs_kube_client_timeout(cat->client, now_ns());
    cs_timer_set(cat->timer, timeout ? timeout : 1, 0);
}

static void on_ready(void *data, uint32_t events)
{
    (void)events;
    run(data);
}

static void on_timer(void *data)
{
    run(data);
}

static void on_stop(void *data)
{
    struct cat *cat = data;

    cs_loop_stop(cat->loop);
}

static void on_signal(void *data, int signal)
{
    (void)signal;
    on_stop(data);
}

static void print_stats(const struct cs_kube_client *client)
{
    const struct cs_kube_stats *stats = cs_kube_client_stats(client);
    char status[8192];

    for (size_t i = 0; i < CS_KUBE_CODES; i++) {
        if (stats->requests[i].count)
            printf("STAT code_%u %llu\n", stats->requests[i].code,
                   (unsigned long long)stats->requests[i].count);
    }
    for (int i = 0; i < CS_KUBE_FAILURE_END; i++)
        printf("STAT failure_%s %llu\n", cs_kube_failure_name(i),
               (unsigned long long)stats->failures[i]);
    for (int i = 0; i < CS_KUBE_COUNT_END; i++)
        printf("STAT count_%s %llu\n", cs_kube_count_name(i), (unsigned long long)stats->counts[i]);
    for (int i = 0; i < CS_KUBE_SKIP_END; i++)
        printf("STAT skip_%s %llu\n", cs_kube_skip_name(i), (unsigned long long)stats->skipped[i]);
    printf("STAT lists %llu\nSTAT relists %llu\nSTAT watches %llu\nSTAT reconnects %llu\n",
           (unsigned long long)stats->lists, (unsigned long long)stats->relists,
           (unsigned long long)stats->watches, (unsigned long long)stats->reconnects);
    printf("STAT bytes %llu\n", (unsigned long long)stats->bytes);
    if (cs_file_read("/proc/self/status", status, sizeof(status)) > 0) {
        const char *anon = strstr(status, "RssAnon:"), *peak = strstr(status, "VmHWM:");

        printf("STAT rss_anon_kib %ld\n", anon ? atol(anon + 8) : -1);
        printf("STAT rss_peak_kib %ld\n", peak ? atol(peak + 6) : -1);
    }
}

static uint64_t ms(const char *text)
{
    uint64_t value;

    if (cs_parse_u64(text, 0, 86400000, &value) < 0) {
        fprintf(stderr, "not a number: %s\n", text);
        exit(2);
    }
    return value * CS_NSEC_PER_MSEC;
}

enum option_key {
    KEY_API = 1,
    KEY_KUBELET,
    KEY_CLUSTER,
    KEY_FILE,
    KEY_NODE,
    KEY_TOKEN,
    KEY_CA,
    KEY_CERT,
    KEY_KEY,
    KEY_POD_MAX,
    KEY_PAGE,
    KEY_CONNECT,
    KEY_FIRST_BYTE,
    KEY_LIST_IDLE,
    KEY_LIST_LONGEST,
    KEY_WATCH_IDLE,
    KEY_WATCH_SECONDS,
    KEY_BACKOFF_MIN,
    KEY_BACKOFF_MAX,
    KEY_POLL,
    KEY_RUN,
    KEY_QUIET,
};

static const struct option OPTIONS[] = {
    {"api", required_argument, NULL, KEY_API},
    {"kubelet", required_argument, NULL, KEY_KUBELET},
    {"cluster", no_argument, NULL, KEY_CLUSTER},
    {"file", required_argument, NULL, KEY_FILE},
    {"node", required_argument, NULL, KEY_NODE},
    {"token", required_argument, NULL, KEY_TOKEN},
    {"ca", required_argument, NULL, KEY_CA},
    {"cert", required_argument, NULL, KEY_CERT},
    {"key", required_argument, NULL, KEY_KEY},
    {"pod-max", required_argument, NULL, KEY_POD_MAX},
    {"page", required_argument, NULL, KEY_PAGE},
    {"connect-ms", required_argument, NULL, KEY_CONNECT},
    {"first-byte-ms", required_argument, NULL, KEY_FIRST_BYTE},
    {"list-idle-ms", required_argument, NULL, KEY_LIST_IDLE},
    {"list-longest-ms", required_argument, NULL, KEY_LIST_LONGEST},
    {"watch-idle-ms", required_argument, NULL, KEY_WATCH_IDLE},
    {"watch-seconds", required_argument, NULL, KEY_WATCH_SECONDS},
    {"backoff-min-ms", required_argument, NULL, KEY_BACKOFF_MIN},
    {"backoff-max-ms", required_argument, NULL, KEY_BACKOFF_MAX},
    {"poll-ms", required_argument, NULL, KEY_POLL},
    {"run-ms", required_argument, NULL, KEY_RUN},
    {"quiet", no_argument, NULL, KEY_QUIET},
    {NULL, 0, NULL, 0},
};

static bool set_time(struct cs_kube_client_options *options, int key, const char *value)
{
    struct cs_kube_watch_options *watch = &options->watch;
    uint64_t *times[] = {
        [KEY_CONNECT] = &options->connect_ns,       [KEY_FIRST_BYTE] = &watch->first_byte_ns,
        [KEY_LIST_IDLE] = &watch->list_idle_ns,     [KEY_LIST_LONGEST] = &watch->list_longest_ns,
        [KEY_WATCH_IDLE] = &watch->watch_idle_ns,   [KEY_BACKOFF_MIN] = &watch->backoff_min_ns,
        [KEY_BACKOFF_MAX] = &watch->backoff_max_ns, [KEY_POLL] = &watch->poll_ns,
    };

    if (key <= 0 || (size_t)key >= CS_ARRAY_SIZE(times) || !times[key])
        return false;
    *times[key] = ms(value);
    if (key == KEY_POLL)
        options->file_ns = ms(value);
    return true;
}

static bool set_text(struct cs_kube_client_options *options, int key, const char *value)
{
    const char **texts[] = {
        [KEY_API] = &options->url,          [KEY_KUBELET] = &options->url,
        [KEY_FILE] = &options->file,        [KEY_NODE] = &options->node_name,
        [KEY_TOKEN] = &options->token_file, [KEY_CA] = &options->ca_file,
        [KEY_CERT] = &options->cert_file,   [KEY_KEY] = &options->key_file,
    };

    if (key <= 0 || (size_t)key >= CS_ARRAY_SIZE(texts) || !texts[key])
        return false;
    *texts[key] = value;
    if (key == KEY_KUBELET)
        options->source = CS_KUBE_CLIENT_KUBELET;
    else if (key == KEY_FILE)
        options->source = CS_KUBE_CLIENT_FILE;
    return true;
}

static int set_other(struct cat *cat, struct cs_kube_client_options *options, int key,
                     const char *value)
{
    static char url[CS_KUBE_URL_MAX];
    struct cs_kube_watch_options *watch = &options->watch;

    switch (key) {
    case KEY_CLUSTER:
        options->url = url;
        return cs_kube_client_cluster_url(url);
    case KEY_POD_MAX:
        watch->pod_bytes_max = (size_t)atol(value);
        return 0;
    case KEY_PAGE:
        watch->page_limit = (uint32_t)atol(value);
        return 0;
    case KEY_WATCH_SECONDS:
        watch->watch_seconds_min = watch->watch_seconds_max = (uint32_t)atol(value);
        return 0;
    case KEY_RUN:
        cat->run_ns = ms(value);
        return 0;
    case KEY_QUIET:
        cat->quiet = true;
        return 0;
    default:
        return -1;
    }
}

static int start(struct cat *cat, const struct cs_kube_client_options *options)
{
    sigset_t set;
    int error = cs_loop_new(&cat->loop);

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (error == 0)
        error = cs_kube_client_new(options, &cat->client);
    if (error == 0)
        error = cs_loop_add_signals(cat->loop, &set, on_signal, cat);
    if (error == 0)
        error = cs_loop_add(cat->loop, cs_kube_client_fd(cat->client), EPOLLIN, on_ready, cat,
                            &cat->ready);
    if (error == 0)
        error = cs_loop_add_timer(cat->loop, on_timer, cat, &cat->timer);
    if (error == 0)
        error = cs_loop_add_timer(cat->loop, on_stop, cat, &cat->stop);
    if (error == 0)
        error = cs_timer_set(cat->stop, cat->run_ns, 0);
    if (error == 0)
        error = cs_timer_set(cat->timer, 1, 0);
    return error;
}

int main(int argc, char **argv)
{
    struct cat cat = {.run_ns = 60 * CS_NSEC_PER_SEC};
    struct cs_kube_client_options options = {
        .on_event = on_event, .on_state = on_state, .data = &cat, .watch = CS_KUBE_WATCH_DEFAULTS};
    int key, error;

    setvbuf(stdout, NULL, _IOLBF, 0);
    cs_log_setup(CS_LOG_DEBUG, CS_LOG_TEXT);
    while ((key = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (!set_time(&options, key, optarg) && !set_text(&options, key, optarg) &&
            set_other(&cat, &options, key, optarg) < 0)
            return 2;
    }
    error = start(&cat, &options);
    if (error == 0)
        error = cs_loop_run(cat.loop);
    if (error < 0)
        cs_error("%s", strerror(-error));
    else
        print_stats(cat.client);
    cs_kube_client_free(cat.client);
    cs_loop_free(cat.loop);
    return error < 0;
}
