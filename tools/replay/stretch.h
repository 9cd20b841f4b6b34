/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes an hour of a recorded minute: what a container does stays as it was, the pauses between
 * its doings become longer. Only so are an hour's findings shown by a kernel's own facts in a
 * minute.
 *
 * A container's facts that follow each other within STRETCH_PAUSE_NS are one doing, and so is all
 * from a connect, request, hello or opened token to what answers it, however long that takes:
 * latencies, handshakes, hangs and the way from a token's file to the call stay unscaled. A doing
 * that began t after the first fact begins factor times t after it. A pause on an open connection
 * is a pause; and what one container's doing has to do with another's (an interceptor's upstream
 * call) comes up to factor times as late after it.
 */
#ifndef TOOLS_REPLAY_STRETCH_H
#define TOOLS_REPLAY_STRETCH_H

#include "core/facts/fact_stream.h"

#include <stddef.h>
#include <stdint.h>

#define STRETCH_PAUSE_NS UINT64_C(250000000)
/* From the read of a token to the connect. */
#define STRETCH_TOKEN_NS UINT64_C(750000000)

struct stretched_fact {
    uint64_t at_ns; /* when it is read from the ring, CLOCK_MONOTONIC of the recording; 0: it tells
                     * of what was there before */
    size_t index;   /* in the stream */
    void *fact;     /* header.size bytes, in the stream's memory */
};

/* All facts of the stream, in the order in which they are to be fed; their times are changed in the
 * stream's memory, which must be writable. factor >= 1; 1 changes nothing. *facts is the caller's
 * to free. 0; -EBADMSG: the stream's end is cut off, and *facts holds what is whole; -ENOMEM. */
int stretch(struct cs_fact_stream *stream, unsigned int factor, struct stretched_fact **facts,
            size_t *count);

#endif
