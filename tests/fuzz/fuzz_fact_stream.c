// SPDX-License-Identifier: Apache-2.0
/* Any file as a recorded fact stream, through decode, assembly, classification and event lines. */
#include "core/classify/classify.h"
#include "core/classify/watchlist.h"
#include "core/exchange/assembler.h"
#include "core/facts/fact_stream.h"
#include "core/report/event_json.h"

#include <stdlib.h>
#include <string.h>

static struct cs_watchlist watchlist;

static void require(int condition)
{
    if (!condition)
        abort();
}

static void consume(const struct cs_exchange *exchange, void *user)
{
    static const struct cs_subject subject;
    const struct cs_evidence evidence = {.exchange = exchange, .watchlist = &watchlist};
    const struct cs_event_context context = {.node = "n", .wall_offset_ns = *(int64_t *)user};
    char line[CS_EVENT_JSON_MAX];
    struct cs_verdict verdict;

    cs_classify(&evidence, &verdict);
    require(cs_event_json_exchange(line, sizeof(line), &context, exchange, &verdict, &subject,
                                   NULL) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_fact_stream stream;
    int64_t wall_offset_ns = 0;
    struct cs_assembler_options options = {.sink = consume, .user = &wall_offset_ns};
    struct cs_assembler *assembler;
    const void *bytes;
    size_t fact_size;
    int more;

    if (watchlist.address_count == 0)
        cs_watchlist_init(&watchlist);
    if (cs_fact_stream_open(&stream, data, size))
        return 0;
    wall_offset_ns = stream.wall_offset_ns;
    assembler = cs_assembler_new(&options);
    require(assembler != NULL);
    while ((more = cs_fact_stream_next(&stream, &bytes, &fact_size)) == 1) {
        struct cs_fact fact;

        require((const uint8_t *)bytes + fact_size <= data + size);
        if (cs_fact_decode(bytes, fact_size, &fact) == CS_FACT_OK)
            cs_assembler_feed(assembler, &fact);
    }
    require(stream.offset == size);
    cs_assembler_tick(assembler, UINT64_MAX / 2);
    cs_assembler_free(assembler);
    return 0;
}
