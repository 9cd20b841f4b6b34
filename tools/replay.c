// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds a recorded fact stream (`credscope run --record-facts FILE`; format:
 * core/facts/fact_stream.h) through the pipeline and prints the event log's lines on standard
 * output, the accounts on standard error. The built-in watch list applies: what --sts-host and the
 * like added is unknown.
 * --kube FILE: the pods as they were (a v1 PodList); --no-token-opens: as on a kernel without a
 * hook for them; --stretch N: pauses N times as long (tools/replay/stretch.h); --tail SECONDS: time
 * goes on after the last fact (2). Findings are decided once a second of replayed time, as they
 * are once a second of real time; the list of what is expected is the built-in one.
 */
#include "replay/stretch.h"

#include "app/pipeline/pipeline.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "core/kube/kube_list.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_SECONDS    2 /* lets the last answers become complete */
#define TAIL_MAX        (UINT64_C(7) * 24 * 3600)
#define STRETCH_MAX     100000
#define HOUSEKEEPING_NS CS_NSEC_PER_SEC
#define EXPIRE_EVERY    10 /* of these */

struct options {
    const char *facts, *pods; /* pods: NULL none */
    bool no_token_opens;
    uint64_t stretch, tail_seconds;
};

/* The housekeeping of app/observer/observer.c, in replayed time. */
struct clock {
    uint64_t begin_ns, next_ns; /* 0: not begun */
    uint64_t ticks;
};

static int make(struct cs_pipeline *pipeline, struct cs_watchlist *list, struct cs_expect *expect,
                const struct options *options, int64_t wall_offset_ns)
{
    const struct cs_pipeline_options made_for = {
        .watchlist = list,
        .context = {.node = "replay", .run_id = "replay", .wall_offset_ns = wall_offset_ns},
        .told = options->pods,
        .expect = expect,
    };
    int error;

    cs_watchlist_init(list);
    pipeline->no_token_hook = options->no_token_opens;
    error = cs_pipeline_make(pipeline, &made_for);
    if (error < 0)
        return error;
    cs_recorder_set_wall_offset(pipeline->recorder, wall_offset_ns);
    cs_findings_set_wall_offset(pipeline->findings, wall_offset_ns);
    return cs_log_file_open("-", 0, &pipeline->events);
}

static void unmake(struct cs_pipeline *pipeline)
{
    cs_log_file_close(pipeline->events);
    cs_pipeline_free(pipeline);
}

static void on_pod(void *data, const struct cs_kube_event *event)
{
    struct cs_pipeline *pipeline = data;

    cs_pod_index_event(pipeline->pods.index, event, pipeline->now_ns);
}

/* All pods are known before the first fact. */
static int read_pods(struct cs_pipeline *pipeline, const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct cs_kube_report report = {.on_event = on_pod, .event_data = pipeline};
    struct cs_kube_list list;
    char bytes[16384];
    ssize_t n;
    int error;

    if (fd < 0)
        return -errno;
    cs_kube_list_init(&list, &report, CS_KUBE_POD_BYTES_MAX);
    cs_kube_report_list_begin(&report);
    while ((n = read(fd, bytes, sizeof(bytes))) > 0 && cs_kube_list_feed(&list, bytes, (size_t)n))
        ;
    error = n < 0 ? -errno : cs_kube_list_finish(&list);
    if (error == 0)
        cs_kube_report_list_end(&report, 0);
    cs_kube_list_free(&list);
    return error;
}

static void housekeeping(struct cs_pipeline *pipeline, struct clock *clock)
{
    uint64_t now_ns = clock->next_ns;

    cs_pipeline_findings_tick(pipeline, now_ns);
    if (clock->ticks++ % EXPIRE_EVERY == 0) {
        cs_container_table_expire(pipeline->containers, now_ns);
        cs_pipeline_pods_expire(pipeline, now_ns);
    }
    cs_log_file_flush(pipeline->events);
    clock->next_ns += HOUSEKEEPING_NS;
}

/* Whatever is due until then happens, in its order. */
static void pass(struct cs_pipeline *pipeline, struct clock *clock, uint64_t now_ns)
{
    uint64_t from_ns = 0;

    if (clock->begin_ns == 0) {
        clock->begin_ns = now_ns;
        clock->next_ns = now_ns + HOUSEKEEPING_NS;
    }
    for (;;) {
        uint64_t due_ns = cs_pipeline_deadline(pipeline);

        /* What a tick puts off stays due: time must pass all the same. */
        if (due_ns < from_ns)
            due_ns = from_ns;
        if (due_ns > now_ns && clock->next_ns > now_ns)
            return;
        if (clock->next_ns <= due_ns) {
            housekeeping(pipeline, clock);
        } else {
            cs_pipeline_tick(pipeline, due_ns);
            from_ns = due_ns + CS_NSEC_PER_MSEC;
        }
    }
}

static int feed(struct cs_pipeline *pipeline, struct cs_fact_stream *stream,
                const struct options *options)
{
    _cleanup_free_ struct stretched_fact *facts = NULL;
    struct clock clock = {0};
    size_t count;
    int r = stretch(stream, (unsigned int)options->stretch, &facts, &count);

    for (size_t i = 0; i < count; i++) {
        struct cs_fact_header header;

        memcpy(&header, facts[i].fact, sizeof(header));
        if (facts[i].at_ns != 0)
            pass(pipeline, &clock, facts[i].at_ns);
        if (!pipeline->no_token_hook || header.type != CS_FACT_TOKEN_OPEN)
            cs_pipeline_fact(pipeline, facts[i].fact, header.size, facts[i].at_ns);
        cs_log_file_flush(pipeline->events);
    }
    if (clock.begin_ns != 0) {
        pass(pipeline, &clock, facts[count - 1].at_ns + options->tail_seconds * CS_NSEC_PER_SEC);
        fprintf(stderr, "seconds %.1f\n",
                (double)(pipeline->now_ns - clock.begin_ns) / (double)CS_NSEC_PER_SEC);
    }
    cs_pipeline_flush(pipeline);
    cs_log_file_flush(pipeline->events);
    return r;
}

static void print_accounts(const struct cs_pipeline *pipeline)
{
    const struct cs_assembler_stats *stats = cs_assembler_stats(pipeline->assembler);

    for (unsigned int i = 1; i < CS_FACT_TYPE_END; i++) {
        if (pipeline->stats.facts[i])
            fprintf(stderr, "facts %s %" PRIu64 "\n", cs_fact_type_name(i),
                    pipeline->stats.facts[i]);
    }
    for (unsigned int i = 1; i < CS_FACT_ERROR_END; i++) {
        if (pipeline->stats.decode_errors[i])
            fprintf(stderr, "refused %s %" PRIu64 "\n", cs_fact_error_name(i),
                    pipeline->stats.decode_errors[i]);
    }
    fprintf(stderr,
            "facts duplicate %" PRIu64 ", reordered %" PRIu64 ", missing %" PRIu64
            ", orphaned %" PRIu64 "\n",
            stats->facts_duplicate, stats->facts_reordered, stats->facts_missing,
            stats->facts_orphaned);
    fprintf(stderr, "exchanges %" PRIu64 ", of these not wholly observed %" PRIu64 "\n",
            stats->exchanges, stats->exchanges_unobserved);
    fprintf(stderr, "connections %" PRIu64 " = observed %" PRIu64 " + open %" PRIu64,
            stats->connections, stats->observed, stats->open);
    for (unsigned int i = 0; i < CS_LOSS_END; i++) {
        if (stats->lost[i])
            fprintf(stderr, " + lost (%s) %" PRIu64, cs_loss_name(i), stats->lost[i]);
    }
    fputc('\n', stderr);
}

static int replay(const struct options *options, void *data, size_t size)
{
    static struct cs_pipeline pipeline;
    static struct cs_watchlist list;
    _cleanup_expect_ struct cs_expect *expect = NULL;
    struct cs_fact_stream stream;
    int error = cs_fact_stream_open(&stream, data, size);

    if (error) {
        fprintf(stderr, "replay: %s: %s\n", options->facts,
                error == -EPROTO ? "recorded by another version of credscope"
                                 : "no recorded fact stream");
        return 2;
    }
    error = cs_expect_new(&expect);
    if (error == 0)
        error = make(&pipeline, &list, expect, options, stream.wall_offset_ns);
    if (error == 0 && options->pods)
        error = read_pods(&pipeline, options->pods);
    if (error) {
        fprintf(stderr, "replay: %s\n", strerror(-error));
        unmake(&pipeline);
        return 1;
    }
    error = feed(&pipeline, &stream, options);
    if (error < 0)
        fprintf(stderr, "replay: %s: %s\n", options->facts,
                error == -EBADMSG ? "the end is cut off" : strerror(-error));
    print_accounts(&pipeline);
    unmake(&pipeline);
    return error == -ENOMEM;
}

static int parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"kube", required_argument, NULL, 'k'},
                                          {"no-token-opens", no_argument, NULL, 'n'},
                                          {"stretch", required_argument, NULL, 's'},
                                          {"tail", required_argument, NULL, 't'},
                                          {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 's' && cs_parse_u64(optarg, 1, STRETCH_MAX, &options->stretch) == 0)
            continue;
        if (option == 't' && cs_parse_u64(optarg, 0, TAIL_MAX, &options->tail_seconds) == 0)
            continue;
        if (option == 'k')
            options->pods = optarg;
        else if (option == 'n')
            options->no_token_opens = true;
        else
            return -EINVAL;
    }
    if (optind != argc - 1)
        return -EINVAL;
    options->facts = argv[optind];
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.stretch = 1, .tail_seconds = TAIL_SECONDS};
    struct stat info;
    int fd, status;
    void *data;

    if (parse(argc, argv, &options) < 0) {
        fputs(
            "usage: replay [--kube FILE] [--no-token-opens] [--stretch N] [--tail SECONDS] FILE\n",
            stderr);
        return 2;
    }
    fd = open(options.facts, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0) {
        fprintf(stderr, "replay: %s: %s\n", options.facts, strerror(errno));
        return 2;
    }
    data = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED) {
        fprintf(stderr, "replay: %s: %s\n", options.facts,
                info.st_size == 0 ? "is empty" : strerror(errno));
        return 2;
    }
    status = replay(&options, data, (size_t)info.st_size);
    munmap(data, (size_t)info.st_size);
    return status;
}
