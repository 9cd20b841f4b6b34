/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kube_client_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_MAX ((size_t)16384)

void cs_kube_file_id_of(const struct stat *stat, struct cs_kube_file_id *id)
{
    *id = (struct cs_kube_file_id){stat->st_dev, stat->st_ino, stat->st_size, stat->st_mtim};
}

bool cs_kube_file_id_equal(const struct cs_kube_file_id *a, const struct cs_kube_file_id *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

void cs_kube_token_forget(struct cs_kube_token *token)
{
    if (token->text) {
        explicit_bzero(token->text, strlen(token->text));
        free(token->text);
    }
    *token = (struct cs_kube_token){0};
}

/* The token68 of RFC 6750: what can stand in the header. White space at its end is an editor's. */
static bool is_token(char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    }
    return len > 0;
}

static int read_token(int fd, char *text)
{
    size_t len = 0;

    for (;;) {
        ssize_t n = read(fd, text + len, TOKEN_MAX - len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
        if (len == TOKEN_MAX)
            return -EFBIG;
    }
    text[len] = '\0';
    return is_token(text, len) ? 0 : -EINVAL;
}

int cs_kube_token_refresh(struct cs_kube_client *client)
{
    struct cs_kube_token *token = &client->token;
    char text[TOKEN_MAX + 1];
    _cleanup_close_ int fd = -1;
    struct cs_kube_file_id id;
    struct stat stat;
    int error;

    if (client->token_file[0] == '\0')
        return 0;
    fd = open(client->token_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &stat) < 0)
        return -errno;
    cs_kube_file_id_of(&stat, &id);
    if (token->text && cs_kube_file_id_equal(&id, &token->id))
        return 0;
    cs_kube_token_forget(token);
    error = read_token(fd, text);
    if (error == 0) {
        token->text = strdup(text);
        token->id = id;
        if (!token->text)
            error = -ENOMEM;
    }
    explicit_bzero(text, sizeof(text));
    return error;
}
