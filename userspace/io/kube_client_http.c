/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kube_client_internal.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_A_RUN    8
#define STEPS_A_RUN     4
#define HEAD_BYTES_MAX  ((size_t)65536)
#define KEEPALIVE_S     30L
#define KEEPALIVE_GAP_S 10L
#define UNANSWERED_MS   60000u /* bytes of ours that the peer does not acknowledge */

static enum cs_kube_failure failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return CS_KUBE_FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return CS_KUBE_FAILURE_RESOLVE;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: /* CURLOPT_CONNECTTIMEOUT is the only one that is set */
        return CS_KUBE_FAILURE_CONNECT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return CS_KUBE_FAILURE_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return CS_KUBE_FAILURE_TOKEN;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return CS_KUBE_FAILURE_TLS;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return CS_KUBE_FAILURE_CUT;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR: /* our on_head's refusal */
        return CS_KUBE_FAILURE_PROTOCOL;
    default:
        return CS_KUBE_FAILURE_OTHER;
    }
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    struct cs_kube_client *client = data;
    bool more = cs_kube_watch_body(client->watch, client->now, bytes, size * n);

    /* libcurl's own receive buffer, which it would keep until the next bytes come: pods' env
     * values are in it. */
    explicit_bzero(bytes, size * n);
    if (more)
        return size * n;
    client->http.stopped = true;
    return 0;
}

/* One line of a head; the empty one ends it. 1xx heads come before the real one. */
static size_t on_head(char *bytes, size_t size, size_t n, void *data)
{
    struct cs_kube_client *client = data;
    struct cs_kube_http *http = &client->http;
    curl_off_t retry_after = 0;
    long code = 0;

    http->head_bytes += size * n;
    if (http->head_bytes > HEAD_BYTES_MAX)
        return 0;
    if (size * n > 2 || (bytes[0] != '\r' && bytes[0] != '\n'))
        return size * n;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (code >= 200 && !http->head_seen) {
        http->head_seen = true;
        if (code != 200)
            snprintf(http->error, sizeof(http->error), "HTTP status %ld", code);
        cs_kube_watch_status(client->watch, client->now, (int)code,
                             retry_after > 0 ? (uint64_t)retry_after : 0);
    }
    return size * n;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct cs_kube_client *client = data;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    (void)socket_data;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (epoll_ctl(client->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 &&
        epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -1;
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *data)
{
    struct cs_kube_client *client = data;

    (void)multi;
    client->http.due = ms < 0 ? UINT64_MAX : client->now + (uint64_t)ms * CS_NSEC_PER_MSEC;
    return 0;
}

/* A peer that is gone without a word is noticed although we have nothing to send. */
static int on_socket_made(void *data, curl_socket_t fd, curlsocktype purpose)
{
    unsigned int timeout = UNANSWERED_MS;

    (void)data;
    (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    return CURL_SOCKOPT_OK;
}

static bool is_https(const struct cs_kube_client *client)
{
    return strncasecmp(client->url, "https:", 6) == 0;
}

/* OpenSSL keeps what it decrypted until the next record, unless told not to. Another TLS library's
 * context is none of its business. */
static CURLcode on_tls(CURL *easy, void *context, void *data)
{
    const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;

    (void)easy;
    (void)data;
    if (library && strncmp(library, "OpenSSL/", 8) == 0)
        SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

static void set_tls(struct cs_kube_client *client)
{
    CURL *easy = client->http.easy;

    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (client->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
        /* Else the distribution's directory would be trusted as well. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
        /* A day by default: the mounted file can be replaced. */
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
    }
    if (client->cert_file[0] != '\0')
        curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert_file);
    if (client->key_file[0] != '\0')
        curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
    /* Else an encrypted key would make OpenSSL ask the terminal. */
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

static void set_transfer(struct cs_kube_client *client, uint64_t connect_ns)
{
    CURL *easy = client->http.easy;

    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->http.error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->http.headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "credscope/" CS_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ns / CS_NSEC_PER_MSEC));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_GAP_S);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

int cs_kube_http_open(struct cs_kube_client *client, uint64_t connect_ns)
{
    struct cs_kube_http *http = &client->http;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    http->due = UINT64_MAX;
    http->multi = curl_multi_init();
    http->easy = curl_easy_init();
    http->headers = curl_slist_append(NULL, "Accept: application/json");
    if (!http->multi || !http->easy || !http->headers)
        return -ENOMEM;
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L);
    set_transfer(client, connect_ns);
    set_tls(client);
    if (client->token_file[0] != '\0' && !is_https(client))
        cs_warn("%s is not https: the token is not sent", client->url);
    return 0;
}

void cs_kube_http_close(struct cs_kube_client *client)
{
    struct cs_kube_http *http = &client->http;

    if (http->busy)
        curl_multi_remove_handle(http->multi, http->easy);
    curl_easy_cleanup(http->easy);
    if (http->multi) {
        curl_multi_cleanup(http->multi);
        curl_global_cleanup();
    }
    curl_slist_free_all(http->headers);
    *http = (struct cs_kube_http){.due = UINT64_MAX};
}

static void end(struct cs_kube_client *client, enum cs_kube_failure failure)
{
    struct cs_kube_http *http = &client->http;
    long code = 0;

    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &code);
    if (http->busy)
        curl_multi_remove_handle(http->multi, http->easy);
    http->busy = false;
    /* Rotated between our look and the server's, or revoked. */
    if (code == 401)
        cs_kube_token_forget(&client->token);
    cs_kube_watch_end(client->watch, client->now, failure);
}

static int send_token(struct cs_kube_client *client)
{
    CURL *easy = client->http.easy;
    int error = cs_kube_token_refresh(client);

    if (error < 0) {
        snprintf(client->http.error, sizeof(client->http.error), "%.200s: %s", client->token_file,
                 strerror(-error));
        return error;
    }
    if (!client->token.text || !is_https(client))
        return 0;
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    return curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, client->token.text) == CURLE_OK ? 0
                                                                                          : -ENOMEM;
}

static void start(struct cs_kube_client *client)
{
    struct cs_kube_http *http = &client->http;

    http->stopped = false;
    http->head_bytes = 0;
    http->head_seen = false;
    http->error[0] = '\0';
    if (cs_kube_watch_begin(client->watch, client->now, &http->request) < 0)
        return;
    if (send_token(client) < 0) {
        end(client, CS_KUBE_FAILURE_TOKEN);
        return;
    }
    snprintf(http->url, sizeof(http->url), "%s%s", client->url, http->request.target);
    if (curl_easy_setopt(http->easy, CURLOPT_URL, http->url) != CURLE_OK ||
        curl_multi_add_handle(http->multi, http->easy) != CURLM_OK) {
        end(client, CS_KUBE_FAILURE_OTHER);
        return;
    }
    http->busy = true;
}

static void progress(struct cs_kube_client *client)
{
    struct cs_kube_http *http = &client->http;
    struct epoll_event events[EVENTS_A_RUN];
    int n = epoll_wait(client->epoll_fd, events, EVENTS_A_RUN, 0), running, left;
    const CURLMsg *message;

    for (int i = 0; i < n; i++) {
        int what = 0;

        if (events[i].events & (EPOLLIN | EPOLLHUP))
            what |= CURL_CSELECT_IN;
        if (events[i].events & EPOLLOUT)
            what |= CURL_CSELECT_OUT;
        if (events[i].events & EPOLLERR)
            what |= CURL_CSELECT_ERR;
        curl_multi_socket_action(http->multi, events[i].data.fd, what, &running);
    }
    if (client->now >= http->due) {
        http->due = UINT64_MAX;
        curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        end(client, http->stopped ? CS_KUBE_FAILURE_NONE : failure_of(message->data.result));
        break; /* the message is gone with its handle; there is one handle */
    }
}

void cs_kube_http_run(struct cs_kube_client *client)
{
    progress(client);
    for (int i = 0; i < STEPS_A_RUN; i++) {
        switch (cs_kube_watch_tick(client->watch, client->now)) {
        case CS_KUBE_WAIT:
            return;
        case CS_KUBE_START:
            start(client);
            break;
        case CS_KUBE_ABORT:
            end(client, CS_KUBE_FAILURE_NONE);
            break;
        }
    }
}
