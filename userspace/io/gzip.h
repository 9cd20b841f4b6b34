/* SPDX-License-Identifier: Apache-2.0 */
/* Compresses a buffer piece by piece, as it is sent: no pause for the whole, no second copy. */
#ifndef CS_IO_GZIP_H
#define CS_IO_GZIP_H

#include "base/buffer.h"

#include <stdbool.h>

#include <sys/types.h>

struct cs_gzip;

/* Takes the buffer over when it succeeds. 0 or -ENOMEM. */
int cs_gzip_new(struct cs_buffer *buffer, struct cs_gzip **gzip);

/* Up to max (at least 1) bytes of the gzip stream (RFC 1952) at `to`: how many, 0 at its end,
 * -EIO on failure. One call compresses at most 64 KiB more than it needs to. */
ssize_t cs_gzip_read(void *gzip, char *to, size_t max);

/* Accepts NULL. */
void cs_gzip_free(void *gzip);

#endif
