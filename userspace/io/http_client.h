/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 client for GET from one server, on a Unix socket or an IP address: one request
 * at a time, over libcurl. Nothing blocks but cs_http_client_wait. No proxy, no redirects, no TLS.
 */
#ifndef CS_IO_HTTP_CLIENT_H
#define CS_IO_HTTP_CLIENT_H

#include "base/buffer.h"
#include "base/cleanup.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define CS_HTTP_CLIENT_CONNECT_MS 3000
#define CS_HTTP_CLIENT_ANSWER_MS  10000 /* the whole of it */
#define CS_HTTP_CLIENT_FDS_MAX    4

struct cs_http_client;

/* address: "unix:/PATH", "ADDR:PORT" or "[ADDR6]:PORT". body_max: a larger answer is an error.
 * 0, -ENAMETOOLONG or -ENOMEM; *client is untouched on failure. */
int cs_http_client_new(const char *address, size_t body_max, struct cs_http_client **client);

/* Free and set to NULL; accepts NULL. */
void cs_http_client_free(struct cs_http_client **client);
#define _cleanup_http_client_ CS_CLEANUP(cs_http_client_free)

/* Begin to ask for a target ("/path?query"); one under way is given up. 0 or -ENOMEM. */
int cs_http_client_get(struct cs_http_client *client, const char *target);

/*
 * Go on until the answer is there, one of the fds has one of its events (as poll(2), revents are
 * set), or the time is up; timeout_ms < 0: without limit. At most CS_HTTP_CLIENT_FDS_MAX fds. 0 or
 * -errno.
 */
int cs_http_client_wait(struct cs_http_client *client, struct pollfd *fds, size_t n,
                        int timeout_ms);

struct cs_http_answer {
    /* 0, or why there is none: -ENOENT and -EACCES (of a Unix socket), -ECONNREFUSED, -ETIMEDOUT,
     * -ECONNRESET, -EMSGSIZE (over body_max), -EPROTO (not HTTP), -ENOMEM, or another -errno */
    int error;
    unsigned int status;
    const struct cs_buffer *body; /* the client's, until the next request */
};

/* True once for each request: it has ended, *answer is what came. */
bool cs_http_client_done(struct cs_http_client *client, struct cs_http_answer *answer);

#endif
