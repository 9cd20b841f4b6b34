/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_client.h"

#include "base/util.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define TARGET_MAX 1024

struct cs_http_client {
    bool global; /* curl_global_init was called */
    CURLM *multi;
    CURL *easy;
    bool running;
    bool ended;
    CURLcode code;
    char host[128]; /* of the URL */
    struct cs_buffer body;
};

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    struct cs_http_client *client = data;

    cs_buffer_add(&client->body, bytes, size * n);
    return client->body.error ? 0 : size * n;
}

static int set_options(struct cs_http_client *client, const char *unix_path)
{
    CURL *easy = client->easy;
    CURLcode code;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "credscope/" CS_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CS_HTTP_CLIENT_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)CS_HTTP_CLIENT_ANSWER_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    code = unix_path ? curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, unix_path) : CURLE_OK;
    return code == CURLE_OK ? 0 : -ENOMEM;
}

int cs_http_client_new(const char *address, size_t body_max, struct cs_http_client **client)
{
    _cleanup_http_client_ struct cs_http_client *made = calloc(1, sizeof(*made));
    const char *unix_path = strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
    const char *host = unix_path ? "credscope" : address;
    int error;

    if (!made)
        return -ENOMEM;
    cs_buffer_init(&made->body, body_max);
    if (unix_path && strlen(unix_path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return -ENAMETOOLONG;
    if (!cs_text_copy(made->host, sizeof(made->host), host, strlen(host)))
        return -ENAMETOOLONG;
    made->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (!made->global)
        return -ENOMEM;
    made->multi = curl_multi_init();
    made->easy = curl_easy_init();
    if (!made->multi || !made->easy)
        return -ENOMEM;
    error = set_options(made, unix_path);
    if (error == 0)
        *client = TAKE_PTR(made);
    return error;
}

static void stop(struct cs_http_client *client)
{
    if (client->running)
        curl_multi_remove_handle(client->multi, client->easy);
    client->running = false;
}

void cs_http_client_free(struct cs_http_client **client)
{
    if (!*client)
        return;
    stop(*client);
    curl_easy_cleanup((*client)->easy);
    if ((*client)->multi)
        curl_multi_cleanup((*client)->multi);
    if ((*client)->global)
        curl_global_cleanup();
    cs_buffer_free(&(*client)->body);
    free(*client);
    *client = NULL;
}

int cs_http_client_get(struct cs_http_client *client, const char *target)
{
    char url[sizeof("http://") + sizeof(client->host) + TARGET_MAX];
    int len;

    stop(client);
    cs_buffer_free(&client->body);
    client->ended = false;
    len = snprintf(url, sizeof(url), "http://%s%s", client->host, target);
    if ((size_t)len >= sizeof(url) ||
        curl_easy_setopt(client->easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
        return -ENOMEM;
    client->running = true;
    return 0;
}

/* Let curl do what it can. */
static int perform(struct cs_http_client *client)
{
    CURLMsg *message;
    int left;

    if (!client->running)
        return 0;
    if (curl_multi_perform(client->multi, &left) != CURLM_OK)
        return -EIO;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        client->code = message->data.result;
        client->ended = true;
        stop(client);
        return 0;
    }
    return 0;
}

static bool any_ready(struct pollfd *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i].revents)
            return true;
    return false;
}

int cs_http_client_wait(struct cs_http_client *client, struct pollfd *fds, size_t n, int timeout_ms)
{
    struct curl_waitfd extra[CS_HTTP_CLIENT_FDS_MAX];
    uint64_t end_ns = cs_monotonic_ns() + (uint64_t)timeout_ms * CS_NSEC_PER_MSEC;

    for (size_t i = 0; i < n; i++)
        fds[i].revents = 0;
    for (;;) {
        uint64_t now_ns = cs_monotonic_ns();
        int wait_ms = 1000, error = perform(client);

        if (error < 0 || client->ended)
            return error;
        if (timeout_ms >= 0 && now_ns >= end_ns)
            return 0;
        if (timeout_ms >= 0 && (end_ns - now_ns) / CS_NSEC_PER_MSEC < (uint64_t)wait_ms)
            wait_ms = (int)((end_ns - now_ns) / CS_NSEC_PER_MSEC) + 1;
        for (size_t i = 0; i < n; i++)
            extra[i] = (struct curl_waitfd){.fd = fds[i].fd, .events = CURL_WAIT_POLLIN};
        if (curl_multi_poll(client->multi, extra, (unsigned int)n, wait_ms, NULL) != CURLM_OK)
            return -EIO;
        poll(fds, (nfds_t)n, 0);
        if (any_ready(fds, n))
            return 0;
    }
}

static int error_of(const struct cs_http_client *client)
{
    long os_errno = 0;

    switch (client->code) {
    case CURLE_OK:
        return 0;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &os_errno);
        return os_errno ? -(int)os_errno : -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_WRITE_ERROR:
        return client->body.error ? client->body.error : -EIO;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return -ECONNRESET;
    default:
        return -EPROTO;
    }
}

bool cs_http_client_done(struct cs_http_client *client, struct cs_http_answer *answer)
{
    long status = 0;

    if (!client->ended)
        return false;
    client->ended = false;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    *answer = (struct cs_http_answer){
        .error = error_of(client), .status = (unsigned int)status, .body = &client->body};
    return true;
}
