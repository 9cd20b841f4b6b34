// SPDX-License-Identifier: Apache-2.0
/*
 * The Kubernetes client from the byte stream up: a conversation of answers that the input makes,
 * each a status, a body, a way to end and a pause. Three runs of it, with bodies whole, byte by
 * byte, and cut where the input says, must tell the same. And in each: pods are what their
 * header promises (well-formed by cJSON's judgement, valid UTF-8, bounded), events come in order,
 * waits are bounded, requests fit.
 */
#include "base/buffer.h"
#include "core/kube/kube_watch.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define POD_MAX     512u
#define ANSWERS_MAX 24
#define WAIT_MAX    ((uint64_t)(120 + 30) * CS_NSEC_PER_SEC)

#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

struct input {
    const uint8_t *at;
    size_t left;
};

struct run {
    struct cs_kube_watch *watch;
    struct cs_kube_report report;
    struct cs_kube_request request;
    struct cs_buffer told;
    uint64_t now;
    size_t piece; /* 0: whole */
    bool in_list, listed;
};

static uint8_t byte_of(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static bool valid_utf8(const char *text, size_t len)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

    for (size_t i = 0; i < len;) {
        uint8_t c = (uint8_t)text[i++];
        unsigned int more = c < 0x80       ? 0
                            : c >> 5 == 6  ? 1
                            : c >> 4 == 14 ? 2
                            : c >> 3 == 30 ? 3
                                           : 9;
        uint32_t point = more ? c & (0x3fu >> more) : c;

        if (more > 3 || len - i < more)
            return false;
        for (unsigned int k = 0; k < more; k++, i++) {
            if (((uint8_t)text[i] & 0xc0) != 0x80)
                return false;
            point = point << 6 | ((uint8_t)text[i] & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
    }
    return true;
}

static void check_pod(struct cs_slice pod)
{
    cJSON *json;

    CHECK(pod.len >= 2 && pod.len <= POD_MAX);
    CHECK(pod.data[0] == '{' && pod.data[pod.len - 1] == '}');
    CHECK(valid_utf8(pod.data, pod.len));
    /* cJSON refuses escaped lone surrogates and NUL, which RFC 8259 allows. */
    if (memmem(pod.data, pod.len, "\\u", 2))
        return;
    json = cJSON_ParseWithLength(pod.data, pod.len);
    CHECK(json && cJSON_IsObject(json));
    cJSON_Delete(json);
}

static void on_event(void *data, const struct cs_kube_event *event)
{
    struct run *run = data;

    switch (event->kind) {
    case CS_KUBE_LIST_BEGIN:
        run->in_list = true;
        break;
    case CS_KUBE_LIST_END:
        CHECK(run->in_list);
        run->in_list = false;
        run->listed = true;
        break;
    case CS_KUBE_POD:
    case CS_KUBE_DELETED:
        CHECK(run->in_list || run->listed);
        CHECK(!run->in_list || event->kind == CS_KUBE_POD);
        check_pod(event->pod);
        break;
    }
    cs_buffer_add_format(&run->told, "event %d %llu ", event->kind,
                         (unsigned long long)event->skipped);
    cs_buffer_add(&run->told, event->pod.data, event->pod.len);
}

static void on_state(void *data, const struct cs_kube_state *state)
{
    struct run *run = data;

    cs_buffer_add_format(&run->told, "state %d %d %s ", state->connected, state->synced,
                         state->why ? state->why : "");
}

static void feed(struct run *run, const char *body, size_t len)
{
    size_t piece = run->piece ? run->piece : len, seed = run->piece * 2654435761u;

    while (len > 0) {
        size_t n = piece < len ? piece : len;
        char *copy = malloc(n); /* so that the sanitizer sees a byte too far */

        CHECK(copy);
        memcpy(copy, body, n);
        if (!cs_kube_watch_body(run->watch, run->now, copy, n))
            len = n;
        free(copy);
        body += n;
        len -= n;
        if (run->piece > 1) {
            seed = seed * 1103515245u + 12345u;
            piece = 1 + (seed >> 16) % run->piece;
        }
    }
}

static void converse(struct run *run, struct input *input)
{
    static const int codes[] = {200, 200, 200, 200, 200, 200, 410, 429, 500, 401, 400, 504, 0};
    uint64_t due = cs_kube_watch_due(run->watch);
    uint8_t code_byte = byte_of(input), end_byte = byte_of(input), pause = byte_of(input);
    size_t len = byte_of(input) | (size_t)byte_of(input) << 8;
    int code = codes[code_byte % CS_ARRAY_SIZE(codes)];

    CHECK(!cs_kube_watch_busy(run->watch));
    CHECK(due <= run->now + WAIT_MAX);
    run->now = due > run->now ? due : run->now;
    CHECK(cs_kube_watch_tick(run->watch, run->now) == CS_KUBE_START);
    CHECK(cs_kube_watch_begin(run->watch, run->now, &run->request) == 0);
    CHECK(strlen(run->request.target) < CS_KUBE_TARGET_MAX);
    cs_buffer_add_format(&run->told, "%llu %s\n", (unsigned long long)run->now,
                         run->request.target);
    if (len > input->left)
        len = input->left;
    if (code)
        cs_kube_watch_status(run->watch, run->now, code, end_byte);
    feed(run, (const char *)input->at, code ? len : 0);
    input->at += len;
    input->left -= len;
    run->now += (uint64_t)pause * 2 * CS_NSEC_PER_SEC;
    if (cs_kube_watch_tick(run->watch, run->now) == CS_KUBE_ABORT)
        end_byte = 0;
    cs_kube_watch_end(run->watch, run->now, end_byte % CS_KUBE_FAILURE_END);
}

static void tell_stats(struct run *run)
{
    const struct cs_kube_stats *stats = &run->report.stats;

    for (int i = 0; i < CS_KUBE_FAILURE_END; i++)
        cs_buffer_add_format(&run->told, "%llu ", (unsigned long long)stats->failures[i]);
    for (int i = 0; i < CS_KUBE_COUNT_END; i++)
        cs_buffer_add_format(&run->told, "%llu ", (unsigned long long)stats->counts[i]);
    for (int i = 0; i < CS_KUBE_SKIP_END; i++)
        cs_buffer_add_format(&run->told, "%llu ", (unsigned long long)stats->skipped[i]);
    cs_buffer_add_format(&run->told, "%llu %llu %llu", (unsigned long long)stats->lists,
                         (unsigned long long)stats->relists, (unsigned long long)stats->watches);
}

static struct cs_buffer converse_all(const uint8_t *data, size_t size, size_t piece)
{
    struct cs_kube_watch_options options = CS_KUBE_WATCH_DEFAULTS;
    struct input input = {data, size};
    struct run run = {.piece = piece, .now = 1};

    options.node_name = "n";
    options.pod_bytes_max = POD_MAX;
    options.poll = byte_of(&input) % 8 == 7;
    cs_buffer_init(&run.told, (size_t)64 << 20);
    run.report = (struct cs_kube_report){
        .on_event = on_event, .event_data = &run, .on_state = on_state, .state_data = &run};
    CHECK(cs_kube_watch_new(&options, &run.report, &run.watch) == 0);
    for (int i = 0; i < ANSWERS_MAX && input.left > 0; i++)
        converse(&run, &input);
    tell_stats(&run);
    cs_kube_watch_free(run.watch);
    CHECK(run.told.error == 0);
    return run.told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_buffer whole = converse_all(data, size, 0);
    size_t pieces[] = {1, 2 + (size ? data[size - 1] : 0)};

    for (size_t i = 0; i < CS_ARRAY_SIZE(pieces); i++) {
        struct cs_buffer cut = converse_all(data, size, pieces[i]);

        CHECK(cut.len == whole.len && memcmp(cut.data, whole.data, cut.len) == 0);
        cs_buffer_free(&cut);
    }
    cs_buffer_free(&whole);
    return 0;
}
