/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct cs_log_file {
    int fd;
    bool owned;   /* false: standard output */
    bool regular; /* rotates; never makes a writer wait */
    bool is_socket;
    bool failing;     /* the last flush failed: it has been reported */
    uint64_t partial; /* bytes written of a line whose rest waits */
    uint64_t max_bytes;
    uint64_t size; /* of the regular file */
    struct cs_log_file_stats stats;
    size_t waiting;
    char path[PATH_MAX];
    char buffer[CS_LOG_FILE_BUFFER];
};

/* Take an open descriptor over; false: its kind can't be told. */
static bool adopt(struct cs_log_file *log, int fd, bool owned)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return false;
    if (log->owned)
        close(log->fd);
    log->fd = fd;
    log->owned = owned;
    log->regular = S_ISREG(status.st_mode);
    log->is_socket = S_ISSOCK(status.st_mode);
    log->size = log->regular ? (uint64_t)status.st_size : 0;
    return true;
}

/* O_NONBLOCK: a FIFO without reader, or with a slow one, must not make us wait. */
static int open_path(const char *path, int flags)
{
    _cleanup_close_ int fd = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);

    return fd < 0 ? -errno : TAKE_FD(fd);
}

int cs_log_file_open(const char *path, uint64_t max_bytes, struct cs_log_file **log)
{
    _cleanup_free_ struct cs_log_file *made = calloc(1, sizeof(*made));
    int fd;

    if (!made)
        return -ENOMEM;
    if (strlen(path) >= sizeof(made->path) - 2) /* room for ".1" */
        return -ENAMETOOLONG;
    strcpy(made->path, path);
    made->max_bytes = max_bytes;
    if (strcmp(path, "-") == 0) {
        if (!adopt(made, STDOUT_FILENO, false))
            return -errno;
    } else {
        fd = open_path(path, 0);
        if (fd < 0)
            return fd;
        if (!adopt(made, fd, true)) {
            close(fd);
            return -EIO;
        }
    }
    *log = TAKE_PTR(made);
    return 0;
}

void cs_log_file_add(struct cs_log_file *log, const char *line, size_t len)
{
    if (len >= sizeof(log->buffer) - log->waiting && log->waiting)
        cs_log_file_flush(log);
    if (len >= sizeof(log->buffer) - log->waiting) {
        log->stats.lost++;
        return;
    }
    memcpy(log->buffer + log->waiting, line, len);
    log->buffer[log->waiting + len] = '\n';
    log->waiting += len + 1;
    log->stats.lines++;
}

/* One attempt that never waits: bytes written, or -errno (-EAGAIN: not now). */
static ssize_t write_some(struct cs_log_file *log, size_t len)
{
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    ssize_t n;

    if (log->is_socket) {
        n = send(log->fd, log->buffer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (log->regular) {
        n = write(log->fd, log->buffer, len);
    } else {
        /* Standard output may be shared with others, so O_NONBLOCK is not ours to set; a pipe
         * that polls writable takes PIPE_BUF bytes without waiting (pipe(7)). */
        if (poll(&ready, 1, 0) <= 0)
            return -EAGAIN;
        n = write(log->fd, log->buffer, len < PIPE_BUF ? len : PIPE_BUF);
    }
    return n < 0 ? -errno : n;
}

static void consume(struct cs_log_file *log, size_t n)
{
    const char *end = memrchr(log->buffer, '\n', n);

    log->partial = end ? (uint64_t)(log->buffer + n - end - 1) : log->partial + n;
    log->size += n;
    log->stats.bytes += n;
    log->waiting -= n;
    memmove(log->buffer, log->buffer + n, log->waiting);
}

/* The reader is gone for good, so is what waits. */
static void give_up(struct cs_log_file *log)
{
    for (size_t i = 0; i < log->waiting; i++)
        log->stats.lost += log->buffer[i] == '\n';
    log->waiting = 0;
    log->partial = 0;
}

static bool path_is_ours(const struct cs_log_file *log)
{
    struct stat at_path, ours;

    return lstat(log->path, &at_path) == 0 && fstat(log->fd, &ours) == 0 &&
           at_path.st_dev == ours.st_dev && at_path.st_ino == ours.st_ino;
}

static int rotate(struct cs_log_file *log)
{
    char old[PATH_MAX + 2];
    int fd;

    /* Somebody else's rotation has moved ours away: then PATH is not ours to move. */
    if (path_is_ours(log)) {
        strcpy(old, log->path);
        strcat(old, ".1");
        if (rename(log->path, old) < 0)
            return -errno;
    }
    fd = open_path(log->path, 0);
    if (fd < 0)
        return fd;
    if (!adopt(log, fd, true)) {
        close(fd);
        return -EIO;
    }
    log->stats.rotations++;
    return 0;
}

/* How much of the buffer may go into the file as it is: whole lines below the limit, at least
 * the rest of a line that has begun. 0: rotate first. */
static size_t writable(const struct cs_log_file *log)
{
    uint64_t room;
    const char *end;

    if (!log->regular || !log->max_bytes || !log->owned)
        return log->waiting;
    room = log->max_bytes > log->size ? log->max_bytes - log->size : 0;
    if (log->waiting <= room)
        return log->waiting;
    end = room ? memrchr(log->buffer, '\n', room) : NULL;
    if (!end && (log->partial || log->size == 0))
        end = memchr(log->buffer, '\n', log->waiting);
    return end ? (size_t)(end - log->buffer) + 1 : 0;
}

static int flush(struct cs_log_file *log)
{
    while (log->waiting) {
        size_t len = writable(log);
        ssize_t n;

        if (len == 0) {
            int r = rotate(log);

            if (r < 0)
                return r;
            continue;
        }
        n = write_some(log, len);
        if (n == -EAGAIN)
            return 0;
        if (n == -EINTR)
            continue;
        if (n == -EPIPE || n == -ECONNRESET)
            give_up(log);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        consume(log, (size_t)n);
    }
    return 0;
}

int cs_log_file_flush(struct cs_log_file *log)
{
    int r;

    if (!log->waiting)
        return 0;
    r = flush(log);
    if (r < 0) {
        log->stats.errors++;
        if (log->failing)
            return 0;
    }
    log->failing = r < 0;
    return r;
}

/* The file that took half a line is left behind: the half goes, and so does its rest. */
static void drop_partial(struct cs_log_file *log)
{
    const char *end = log->partial ? memchr(log->buffer, '\n', log->waiting) : NULL;
    struct stat status;

    if (!end)
        return;
    if (log->regular && fstat(log->fd, &status) == 0 && (uint64_t)status.st_size >= log->partial &&
        ftruncate(log->fd, status.st_size - (off_t)log->partial) == 0)
        log->size = (uint64_t)status.st_size - log->partial;
    log->stats.lost++;
    log->waiting -= (size_t)(end - log->buffer) + 1;
    memmove(log->buffer, end + 1, log->waiting);
    log->partial = 0;
}

int cs_log_file_reopen(struct cs_log_file *log)
{
    int fd;

    if (!log->owned)
        return 0;
    cs_log_file_flush(log);
    fd = open_path(log->path, 0);
    if (fd < 0)
        return fd;
    drop_partial(log);
    if (!adopt(log, fd, true)) {
        close(fd);
        return -EIO;
    }
    return 0;
}

void cs_log_file_close(struct cs_log_file *log)
{
    if (!log)
        return;
    cs_log_file_flush(log);
    if (log->owned) {
        drop_partial(log);
        close(log->fd);
    }
    free(log);
}

struct cs_log_file_stats cs_log_file_stats(const struct cs_log_file *log)
{
    struct cs_log_file_stats stats = log->stats;

    stats.waiting = log->waiting;
    return stats;
}
