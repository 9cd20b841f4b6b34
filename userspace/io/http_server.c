/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_server.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define STREAM_BLOCK   (32u << 10) /* bytes asked of a stream at a time */
#define ERROR_BODY_MAX 4096

/* An open connection, for the limit on slow ones. */
struct client {
    struct client *next, **link;
    int fd;            /* libmicrohttpd's */
    uint64_t since_ns; /* accepted, or last request completed */
    bool cut;
};

struct cs_http_server {
    struct MHD_Daemon *daemon;
    const struct cs_http_route *routes;
    void *data;
    int fd;
    uint64_t now_ns; /* of the last run */
    struct client *clients;
    struct cs_http_server_stats stats;
};

const char *cs_http_request_query(const struct cs_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static ssize_t stream_read(void *data, uint64_t position, char *to, size_t max)
{
    struct cs_http_response *response = data;
    ssize_t n = response->stream.read(response->stream.data, to, max);

    (void)position;
    if (n == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static void stream_done(void *data)
{
    struct cs_http_response *response = data;

    response->stream.done(response->stream.data);
    free(response);
}

/* Hands the body over; NULL: no memory, the body is freed. */
static struct MHD_Response *make_body(struct cs_http_response *response)
{
    struct MHD_Response *made = NULL;
    struct cs_http_response *kept;

    if (response->stream.read) {
        kept = malloc(sizeof(*kept));
        if (kept) {
            *kept = *response;
            made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read,
                                                     kept, stream_done);
        }
        if (!made) {
            free(kept);
            response->stream.done(response->stream.data);
        }
        return made;
    }
    if (response->fixed.data)
        return MHD_create_response_from_buffer(response->fixed.len, (void *)response->fixed.data,
                                               MHD_RESPMEM_PERSISTENT);
    if (!response->body.data)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    made = MHD_create_response_from_buffer_with_free_callback(response->body.len,
                                                              response->body.data, free);
    if (!made)
        cs_buffer_free(&response->body);
    return made;
}

static enum MHD_Result send_response(struct cs_http_server *server,
                                     struct MHD_Connection *connection,
                                     struct cs_http_response *response)
{
    struct MHD_Response *made = make_body(response);
    enum MHD_Result result = MHD_NO;
    const struct {
        const char *name, *value;
    } headers[] = {
        {"Content-Type", response->content_type},
        {"Content-Encoding", response->content_encoding},
        {"Content-Security-Policy", response->content_security_policy},
        {"Vary", response->vary ? "Accept, Accept-Encoding" : NULL},
        {"Allow", response->status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
    };

    if (!made)
        return MHD_NO;
    for (size_t i = 0; i < CS_ARRAY_SIZE(headers); i++) {
        if (headers[i].value)
            MHD_add_response_header(made, headers[i].name, headers[i].value);
    }
    server->stats.requests++;
    result = MHD_queue_response(connection, response->status, made);
    MHD_destroy_response(made);
    return result;
}

static enum MHD_Result send_error(struct cs_http_server *server, struct MHD_Connection *connection,
                                  unsigned int status, const char *text)
{
    struct cs_http_response response = {.status = status,
                                        .content_type = "text/plain; charset=utf-8"};

    cs_buffer_init(&response.body, ERROR_BODY_MAX);
    cs_buffer_add_format(&response.body, "%u %s; here are:", status, text);
    for (const struct cs_http_route *route = server->routes; route->path; route++)
        cs_buffer_add_format(&response.body, " %s", route->path);
    cs_buffer_add(&response.body, "\n", 1);
    server->stats.refused++;
    return send_response(server, connection, &response);
}

static enum MHD_Result dispatch(struct cs_http_server *server, struct MHD_Connection *connection,
                                const char *path, bool head)
{
    const struct cs_http_request request = {
        .path = path,
        .head = head,
        .accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"),
        .accept_encoding =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding"),
        .connection = connection,
    };
    struct cs_http_response response = {.status = MHD_HTTP_OK};

    for (const struct cs_http_route *route = server->routes; route->path; route++) {
        if (strcmp(route->path, path) != 0)
            continue;
        route->handler(server->data, &request, &response);
        if (head && response.stream.read) {
            /* libmicrohttpd 0.9.75 would send the last chunk of a body that HEAD has not. */
            response.stream.done(response.stream.data);
            response.stream.read = NULL;
        }
        return send_response(server, connection, &response);
    }
    return send_error(server, connection, MHD_HTTP_NOT_FOUND, "nothing at this path");
}

/* libmicrohttpd calls this once when the head is there, then for each piece of a body, then once
 * more. An answer to the first call would close the connection, which is right for an error. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct cs_http_server *server = data;

    (void)version;
    (void)upload;
    if (!*state) {
        *state = server;
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
            return send_error(server, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD");
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    return dispatch(server, connection, url, strcmp(method, MHD_HTTP_METHOD_HEAD) == 0);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct cs_http_server *server = data;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info ? info->socket_context : NULL;

    (void)state;
    if (client && why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        client->since_ns = server->now_ns;
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct cs_http_server *server = data;
    struct client *client = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        client = calloc(1, sizeof(*client));
        *context = client;
        if (!client)
            return; /* without memory this connection has only libmicrohttpd's own limit */
        client->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        client->since_ns = server->now_ns;
        client->next = server->clients;
        client->link = &server->clients;
        if (client->next)
            client->next->link = &client->next;
        server->clients = client;
    } else if (client) {
        *client->link = client->next;
        if (client->next)
            client->next->link = client->link;
        *context = NULL;
        free(client);
    }
}

int cs_http_server_new(int listen_fd, const struct cs_http_route *routes, void *data,
                       struct cs_http_server **server)
{
    _cleanup_close_ int fd = listen_fd;
    _cleanup_free_ struct cs_http_server *made = calloc(1, sizeof(*made));
    const union MHD_DaemonInfo *info;

    if (!made)
        return -ENOMEM;
    made->routes = routes;
    made->data = data;
    errno = 0;
    made->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, made, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CS_HTTP_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)CS_HTTP_PER_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CS_HTTP_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CS_HTTP_HEAD_MAX, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, made, MHD_OPTION_NOTIFY_CONNECTION, on_connection, made, MHD_OPTION_END);
    if (!made->daemon)
        return errno ? -errno : -EIO;
    TAKE_FD(fd); /* MHD_stop_daemon closes it */
    info = MHD_get_daemon_info(made->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || info->epoll_fd < 0) {
        MHD_stop_daemon(made->daemon);
        return -ENOTSUP;
    }
    made->fd = info->epoll_fd;
    *server = TAKE_PTR(made);
    return 0;
}

void cs_http_server_free(struct cs_http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}

int cs_http_server_fd(const struct cs_http_server *server)
{
    return server->fd;
}

static uint64_t deadline(const struct client *client)
{
    return client->cut ? UINT64_MAX : client->since_ns + CS_HTTP_REQUEST_SECONDS * CS_NSEC_PER_SEC;
}

static unsigned int connections(const struct cs_http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info ? info->num_connections : 0;
}

void cs_http_server_run(struct cs_http_server *server, uint64_t now_ns)
{
    unsigned int before;

    server->now_ns = now_ns;
    for (struct client *client = server->clients; client; client = client->next) {
        if (now_ns < deadline(client))
            continue;
        /* libmicrohttpd sees the end of the stream and closes in its own time. */
        shutdown(client->fd, SHUT_RDWR);
        client->cut = true;
        server->stats.cut++;
    }
    /* libmicrohttpd 0.9.75 leaves its listening socket alone while the house is full, and takes it
     * back only when a run begins: nothing would wake us for the clients that wait outside. */
    do {
        before = connections(server);
        MHD_run(server->daemon);
    } while (connections(server) < before);
}

uint64_t cs_http_server_timeout(const struct cs_http_server *server)
{
    unsigned long long milliseconds;
    uint64_t timeout = UINT64_MAX;

    if (MHD_get_timeout(server->daemon, &milliseconds) == MHD_YES)
        timeout = milliseconds * CS_NSEC_PER_MSEC;
    for (const struct client *client = server->clients; client; client = client->next) {
        uint64_t at = deadline(client);

        if (at == UINT64_MAX)
            continue;
        at = at > server->now_ns ? at - server->now_ns : 0;
        timeout = at < timeout ? at : timeout;
    }
    return timeout;
}

struct cs_http_server_stats cs_http_server_stats(const struct cs_http_server *server)
{
    struct cs_http_server_stats stats = server->stats;

    stats.connections = connections(server);
    return stats;
}
