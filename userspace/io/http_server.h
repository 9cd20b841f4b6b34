/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server for GET and HEAD on a listening socket, over libmicrohttpd without
 * threads: add cs_http_server_fd to the event loop and call cs_http_server_run when it is
 * readable, and when cs_http_server_timeout says so. Answers are complete when queued; nothing
 * blocks.
 *
 * Against many or slow clients: at most CS_HTTP_CONNECTIONS connections, CS_HTTP_PER_ADDRESS of
 * one IP address; a request head larger than CS_HTTP_HEAD_MAX gets 431 or is cut; a connection is
 * closed after CS_HTTP_IDLE_SECONDS without a byte, and after CS_HTTP_REQUEST_SECONDS without a
 * whole request and answer however busily it drips.
 */
#ifndef CS_IO_HTTP_SERVER_H
#define CS_IO_HTTP_SERVER_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CS_HTTP_CONNECTIONS     64
#define CS_HTTP_PER_ADDRESS     16
#define CS_HTTP_HEAD_MAX        16384 /* bytes of a connection's memory for both heads */
#define CS_HTTP_IDLE_SECONDS    5
#define CS_HTTP_REQUEST_SECONDS 10

/* Values are NULL where the request has none; all are valid during the handler only. */
struct cs_http_request {
    const char *path; /* decoded, without the query */
    const char *accept;
    const char *accept_encoding;
    bool head;        /* the body will not be sent: a stream is not worth making */
    void *connection; /* for cs_http_request_query */
};

/* The query parameter's decoded value, NULL without it. */
const char *cs_http_request_query(const struct cs_http_request *request, const char *name);

/*
 * Zeroed but for status = 200 when a handler gets it. A body is a buffer, static bytes, or a
 * reader: read() puts up to max bytes at `to` and returns how many, 0 at the end, -errno on
 * failure (the connection is cut); done() frees.
 */
struct cs_http_response {
    unsigned int status;
    const char *content_type;
    const char *content_encoding;
    const char *content_security_policy;
    bool vary;             /* Vary: Accept, Accept-Encoding */
    struct cs_buffer body; /* the server takes it over */
    struct {
        const char *data;
        size_t len;
    } fixed;
    struct {
        ssize_t (*read)(void *data, char *to, size_t max);
        void (*done)(void *data);
        void *data;
    } stream;
};

typedef void (*cs_http_handler)(void *data, const struct cs_http_request *request,
                                struct cs_http_response *response);

/* All there is; another path is 404, another method than GET and HEAD 405. */
struct cs_http_route {
    const char *path;
    cs_http_handler handler;
};

struct cs_http_server;

/*
 * Serve on listen_fd, which the server takes over (also when this fails). routes end with a NULL
 * path and must outlive the server. 0 or -errno; *server is untouched on failure.
 */
int cs_http_server_new(int listen_fd, const struct cs_http_route *routes, void *data,
                       struct cs_http_server **server);

/* Accepts NULL. Cuts open connections. */
void cs_http_server_free(struct cs_http_server *server);

/* Readable when there is something to do. Stays the server's. */
int cs_http_server_fd(const struct cs_http_server *server);

/* Do what is due. now_ns: CLOCK_MONOTONIC. */
void cs_http_server_run(struct cs_http_server *server, uint64_t now_ns);

/* Nanoseconds until cs_http_server_run must be called although the fd is not readable; 0: now;
 * UINT64_MAX: never. */
uint64_t cs_http_server_timeout(const struct cs_http_server *server);

struct cs_http_server_stats {
    uint64_t requests;        /* answered, errors included */
    uint64_t refused;         /* of these with 4xx of the server's own */
    uint64_t cut;             /* connections closed for slowness */
    unsigned int connections; /* open now */
};

struct cs_http_server_stats cs_http_server_stats(const struct cs_http_server *server);

#endif
