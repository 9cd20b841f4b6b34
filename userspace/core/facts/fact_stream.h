/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file format of a recorded fact stream (`credscope run --record-facts`, `tools/replay`), in
 * the byte order of the machine that wrote it:
 *
 *   struct cs_fact_stream_header, once; then facts until the end of the file, each the raw bytes
 *   of the ring (header.size of them) followed by zero bytes up to a multiple of 8.
 *
 * A file cut in the middle of a fact (the recorder was killed) is valid up to there. Pure: the
 * caller reads and writes. A stream holds request lines and User-Agents, no secrets.
 */
#ifndef CS_CORE_FACT_STREAM_H
#define CS_CORE_FACT_STREAM_H

#include <credscope/abi.h>
#include <stddef.h>
#include <stdint.h>

struct cs_fact_stream_header {
    char magic[8];          /* "csfacts\n" */
    uint32_t abi_version;   /* CS_ABI_VERSION of the facts */
    uint32_t header_size;   /* sizeof(struct cs_fact_stream_header): where the facts begin */
    int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC when recording began */
};
CS_ASSERT_SIZE(struct cs_fact_stream_header, 24);

/* Fill the header of a new file. */
void cs_fact_stream_begin(struct cs_fact_stream_header *header, int64_t wall_offset_ns);

/* Bytes to write after a raw fact of size bytes, all zero: 0 … 7. */
size_t cs_fact_stream_padding(size_t size);

/* A stream in memory. data is the caller's and must outlive it. */
struct cs_fact_stream {
    const unsigned char *data;
    size_t size;
    size_t offset;
    int64_t wall_offset_ns;
};

/* 0; -EBADMSG: not a fact stream (or of other byte order); -EPROTO: of another ABI version. */
int cs_fact_stream_open(struct cs_fact_stream *stream, const void *data, size_t size);

/* The next fact's bytes, not decoded: 1 and *fact, *fact_size set; 0 at the end; -EBADMSG when
 * what follows is no whole fact (the stream then stays at its end). */
int cs_fact_stream_next(struct cs_fact_stream *stream, const void **fact, size_t *fact_size);

#endif
