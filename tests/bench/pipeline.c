/* SPDX-License-Identifier: Apache-2.0 */
/* Facts a second through decode, assembly, classification, attribution, recording and the event
 * line, from the stream that bench_throughput has recorded. */
#include "bench.h"

#include "app/pipeline/pipeline.h"
#include "core/facts/fact_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 5
#define PASSES 20
#define WANTED 200000.0

static void make(struct cs_pipeline *pipeline, struct cs_watchlist *list)
{
    const struct cs_pipeline_options options = {
        .watchlist = list,
        .context = {.node = "bench", .run_id = "bench"},
    };

    cs_watchlist_init(list);
    if (cs_pipeline_make(pipeline, &options) < 0)
        bench_fail("out of memory");
}

/* Each pass is the same stream as other sockets: the generation is made another one. */
static size_t feed(struct cs_pipeline *pipeline, const void *data, size_t size, uint32_t pass)
{
    struct cs_fact_stream stream;
    size_t facts = 0, fact_size;
    const void *fact;

    if (cs_fact_stream_open(&stream, data, size) < 0)
        bench_fail("the recorded stream is damaged");
    while (cs_fact_stream_next(&stream, &fact, &fact_size) == 1) {
        char copy[CS_FACT_SIZE_MAX];
        struct cs_fact_header *header = (struct cs_fact_header *)copy;

        memcpy(copy, fact, fact_size);
        header->generation += pass * 1000;
        cs_pipeline_fact(pipeline, copy, fact_size, header->time_ns);
        facts++;
    }
    return facts;
}

void bench_pipeline(const char *recorded)
{
    static struct cs_pipeline pipeline;
    struct cs_watchlist list;
    double rates[ROUNDS], rate;
    struct stat info;
    int fd = open(recorded, O_RDONLY | O_CLOEXEC);
    void *data;

    if (fd < 0 || fstat(fd, &info) < 0)
        bench_fail("%s: %s", recorded, strerror(errno));
    data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        bench_fail("mmap: %s", strerror(errno));
    for (int round = 0; round < ROUNDS; round++) {
        size_t facts = 0;
        uint64_t start;

        memset(&pipeline, 0, sizeof(pipeline));
        make(&pipeline, &list);
        start = bench_now_ns();
        for (uint32_t pass = 0; pass < PASSES; pass++)
            facts += feed(&pipeline, data, (size_t)info.st_size, pass);
        rates[round] = (double)facts * 1e9 / (double)(bench_now_ns() - start);
        if (cs_assembler_stats(pipeline.assembler)->exchanges < facts / 8)
            bench_fail("the stream made too few exchanges");
        cs_pipeline_free(&pipeline);
    }
    munmap(data, (size_t)info.st_size);
    rate = bench_median(rates, ROUNDS);
    bench_row(rate >= WANTED, "facts/s through the pipeline", ">= 200000", "%.0f", rate);
}
