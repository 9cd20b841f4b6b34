/* SPDX-License-Identifier: Apache-2.0 */
#include "io/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define INPUT_MAX    (64u << 10) /* bytes compressed in one call before looking at the output */
#define GZIP_WINDOW  (15 + 16)   /* zlib.h, deflateInit2: 16 asks for a gzip wrapper */
#define MEMORY_LEVEL 8           /* zlib's default: 256 KiB in all */

struct cs_gzip {
    struct cs_buffer buffer;
    size_t offset; /* of the input given to zlib */
    z_stream stream;
    bool done;
};

int cs_gzip_new(struct cs_buffer *buffer, struct cs_gzip **gzip)
{
    struct cs_gzip *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    /* A page repeats its labels in every line: the fastest level already takes 19/20 away. */
    if (deflateInit2(&made->stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(made);
        return -ENOMEM;
    }
    made->buffer = *buffer;
    cs_buffer_init(buffer, buffer->max);
    *gzip = made;
    return 0;
}

ssize_t cs_gzip_read(void *data, char *to, size_t max)
{
    struct cs_gzip *gzip = data;
    z_stream *stream = &gzip->stream;
    size_t room = max < INPUT_MAX ? max : INPUT_MAX;

    stream->next_out = (Bytef *)to;
    stream->avail_out = (uInt)room;
    while (!gzip->done && stream->avail_out == room) {
        size_t left = gzip->buffer.len - gzip->offset;
        size_t piece = left < INPUT_MAX ? left : INPUT_MAX;
        int r;

        stream->next_in = (Bytef *)gzip->buffer.data + gzip->offset;
        stream->avail_in = (uInt)piece;
        r = deflate(stream, piece == left ? Z_FINISH : Z_NO_FLUSH);
        gzip->offset += piece - stream->avail_in;
        if (r == Z_STREAM_END)
            gzip->done = true;
        else if (r != Z_OK && r != Z_BUF_ERROR)
            return -EIO;
    }
    return (ssize_t)(room - stream->avail_out);
}

void cs_gzip_free(void *data)
{
    struct cs_gzip *gzip = data;

    if (!gzip)
        return;
    deflateEnd(&gzip->stream);
    cs_buffer_free(&gzip->buffer);
    free(gzip);
}
