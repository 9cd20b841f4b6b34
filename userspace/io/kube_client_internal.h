/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the Kubernetes client: HTTP, credentials, file, log. */
#ifndef CS_IO_KUBE_CLIENT_INTERNAL_H
#define CS_IO_KUBE_CLIENT_INTERNAL_H

#include "base/buffer.h"
#include "core/kube/kube_list.h"
#include "io/kube_client.h"

#include <curl/curl.h>
#include <limits.h>
#include <sys/stat.h>

/* Tells whether a file is still the one that was read. */
struct cs_kube_file_id {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct cs_kube_token {
    char *text; /* NULL: none read; wiped before it is freed */
    struct cs_kube_file_id id;
};

struct cs_kube_http {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    uint64_t due; /* of libcurl's own timer; UINT64_MAX none */
    bool busy;
    bool stopped; /* we wanted no more of it */
    size_t head_bytes;
    bool head_seen; /* a chunked body's trailers end with an empty line too */
    struct cs_kube_request request;
    char url[CS_KUBE_URL_MAX + CS_KUBE_TARGET_MAX];
    char error[CURL_ERROR_SIZE];
};

struct cs_kube_file {
    int fd; /* -1: not being read */
    struct cs_kube_list list;
    struct cs_kube_file_id id; /* of the last one that was opened */
    bool failed;               /* read it again though it be the same */
    struct cs_kube_backoff backoff;
    uint64_t due; /* of the next look */
    uint64_t every_ns;
};

struct cs_kube_log {
    bool failing; /* a failure was logged, and no success since */
    const char *last;
    uint64_t next_ns; /* no line before */
    uint64_t suppressed;
};

struct cs_kube_client {
    enum cs_kube_client_source source;
    struct cs_kube_report report;
    cs_kube_state_fn on_state;
    void *data;
    uint64_t now; /* of the current run */
    int epoll_fd;

    char url[CS_KUBE_URL_MAX];
    char node_name[256];
    char token_file[PATH_MAX], ca_file[PATH_MAX], cert_file[PATH_MAX], key_file[PATH_MAX];
    char file_name[PATH_MAX];

    struct cs_kube_watch *watch; /* NULL with a file */
    struct cs_kube_http http;
    struct cs_kube_token token;
    struct cs_kube_file file;
    struct cs_kube_log log;
};

/* libcurl's handles. 0 or -errno. */
int cs_kube_http_open(struct cs_kube_client *client, uint64_t connect_ns);
void cs_kube_http_close(struct cs_kube_client *client);
void cs_kube_http_run(struct cs_kube_client *client);

/* Read the token if its file changed. 0, also without a file; or -errno: unreadable, no token. */
int cs_kube_token_refresh(struct cs_kube_client *client);
/* Read it again before the next request, whatever its file looks like. */
void cs_kube_token_forget(struct cs_kube_token *token);

void cs_kube_file_id_of(const struct stat *stat, struct cs_kube_file_id *id);
bool cs_kube_file_id_equal(const struct cs_kube_file_id *a, const struct cs_kube_file_id *b);

void cs_kube_file_open(struct cs_kube_client *client, const struct cs_kube_client_options *options,
                       uint64_t seed);
void cs_kube_file_close(struct cs_kube_client *client);
void cs_kube_file_run(struct cs_kube_client *client);

/* The report's on_state: log, then tell the client's owner. */
void cs_kube_client_on_state(void *data, const struct cs_kube_state *state);

#endif
