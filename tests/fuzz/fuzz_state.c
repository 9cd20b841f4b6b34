// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a saved state: it stays within its bounds, and what was taken is written as a
 * document that is read and written again byte for byte. */
#include "core/state/state_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WALL_NS (UINT64_C(1763726400) * CS_NSEC_PER_SEC)

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check(struct cs_state *state)
{
    const struct cs_intervals *intervals = cs_state_intervals(state);
    struct cs_state_stats stats;

    cs_state_stats(state, &stats);
    require(stats.entries <= stats.entries_max && stats.bytes <= 4096);
    require(intervals->count <= CS_INTERVALS_MAX);
    for (uint32_t i = 0; i < intervals->count; i++) {
        require(intervals->closed[i].start_ns <= intervals->closed[i].end_ns);
        require(i == 0 || intervals->closed[i - 1].end_ns < intervals->closed[i].start_ns);
    }
}

static void encode(struct cs_state *state, struct cs_buffer *buffer)
{
    cs_buffer_init(buffer, CS_STATE_JSON_MAX);
    cs_state_encode(state, "node", WALL_NS, buffer);
    require(buffer->error == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cs_state_limits limits = {.entries_max = 4, .bytes_max = 4096};
    _cleanup_state_ struct cs_state *state = NULL, *again = NULL;
    struct cs_labels *labels;
    struct cs_buffer first, second;
    uint32_t left_out;

    require(cs_labels_new(&labels) == 0 && cs_state_new(&limits, labels, &state) == 0);
    if (cs_state_decode((struct cs_slice){(const char *)data, size}, "node", state, &left_out) ==
        CS_STATE_OK) {
        check(state);
        encode(state, &first);
        require(cs_state_new(&limits, labels, &again) == 0);
        require(cs_state_decode((struct cs_slice){first.data, first.len}, "node", again,
                                &left_out) == CS_STATE_OK);
        require(left_out == 0);
        encode(again, &second);
        require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        cs_buffer_free(&first);
        cs_buffer_free(&second);
        cs_intervals_observe(cs_state_intervals(state), WALL_NS, size);
        cs_state_expire(state, WALL_NS, true);
        check(state);
    }
    cs_state_free(&state);
    cs_state_free(&again);
    cs_labels_free(labels);
    return 0;
}
