// SPDX-License-Identifier: Apache-2.0
#include "core/facts/fact_stream.h"

#include <errno.h>
#include <string.h>

#define ALIGNMENT 8

static const char magic[8] = {'c', 's', 'f', 'a', 'c', 't', 's', '\n'};

void cs_fact_stream_begin(struct cs_fact_stream_header *header, int64_t wall_offset_ns)
{
    memcpy(header->magic, magic, sizeof(magic));
    header->abi_version = CS_ABI_VERSION;
    header->header_size = sizeof(*header);
    header->wall_offset_ns = wall_offset_ns;
}

size_t cs_fact_stream_padding(size_t size)
{
    return (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT;
}

int cs_fact_stream_open(struct cs_fact_stream *stream, const void *data, size_t size)
{
    struct cs_fact_stream_header header;

    if (size < sizeof(header))
        return -EBADMSG;
    memcpy(&header, data, sizeof(header));
    if (memcmp(header.magic, magic, sizeof(magic)) != 0 || header.header_size != sizeof(header))
        return -EBADMSG;
    if (header.abi_version != CS_ABI_VERSION)
        return -EPROTO;
    *stream = (struct cs_fact_stream){
        .data = data,
        .size = size,
        .offset = sizeof(header),
        .wall_offset_ns = header.wall_offset_ns,
    };
    return 0;
}

int cs_fact_stream_next(struct cs_fact_stream *stream, const void **fact, size_t *fact_size)
{
    size_t left = stream->size - stream->offset;
    struct cs_fact_header header;
    size_t step;

    if (left == 0)
        return 0;
    if (left >= sizeof(header)) {
        memcpy(&header, stream->data + stream->offset, sizeof(header));
        if (header.size >= sizeof(header) && header.size <= left) {
            *fact = stream->data + stream->offset;
            *fact_size = header.size;
            step = header.size + cs_fact_stream_padding(header.size);
            stream->offset += step < left ? step : left;
            return 1;
        }
    }
    stream->offset = stream->size;
    return -EBADMSG;
}
