/* SPDX-License-Identifier: Apache-2.0 */
#include "io/state_file.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define TEMPORARY  CS_STATE_FILE_NAME ".tmp"
#define CHUNK      ((size_t)16384)
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct cs_state_file {
    int directory;
    pid_t saving; /* 0: none */
};

static int make_one(const char *path)
{
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* With every parent that is missing. */
static int make_directory(const char *directory)
{
    char path[PATH_MAX];
    int error = 0;

    if (!cs_text_copy(path, sizeof(path), directory, strlen(directory)))
        return -ENAMETOOLONG;
    for (char *slash = strchr(path + 1, '/'); slash && error == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = make_one(path);
        *slash = '/';
    }
    return error < 0 ? error : make_one(path);
}

static int open_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error;

    if (fd >= 0 || errno != ENOENT)
        return fd < 0 ? -errno : fd;
    error = make_directory(directory);
    if (error < 0)
        return error;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cs_state_file_open(const char *directory, struct cs_state_file **file)
{
    _cleanup_free_ struct cs_state_file *made = calloc(1, sizeof(*made));
    _cleanup_close_ int fd = -1;

    if (!made)
        return -ENOMEM;
    fd = open_directory(directory);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    /* Where this fails, so will the next save. */
    unlinkat(fd, TEMPORARY, 0);
    made->directory = TAKE_FD(fd);
    *file = TAKE_PTR(made);
    return 0;
}

void cs_state_file_close(struct cs_state_file *file)
{
    if (!file)
        return;
    if (file->saving) {
        kill(file->saving, SIGKILL);
        waitpid(file->saving, NULL, WNOHANG); /* it may hang in the disk */
    }
    close(file->directory);
    free(file);
}

static int read_all(int fd, struct cs_buffer *buffer)
{
    char chunk[CHUNK];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        cs_buffer_add(buffer, chunk, (size_t)n);
        if (buffer->error)
            return buffer->error == -EMSGSIZE ? -EFBIG : buffer->error;
    }
}

int cs_state_file_read(const struct cs_state_file *file, struct cs_buffer *buffer)
{
    _cleanup_close_ int fd = openat(file->directory, CS_STATE_FILE_NAME, READ_FLAGS);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    return S_ISREG(status.st_mode) ? read_all(fd, buffer) : -EINVAL;
}

int cs_state_file_set_aside(const struct cs_state_file *file, const char *name)
{
    return renameat(file->directory, CS_STATE_FILE_NAME, file->directory, name) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_temporary(const struct cs_state_file *file, const char *data, size_t len)
{
    _cleanup_close_ int fd = openat(file->directory, TEMPORARY,
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return -errno;
    error = write_all(fd, data, len);
    if (error < 0)
        return error;
    if (fsync(fd) < 0)
        return -errno;
    /* Some file systems tell of a failed write only here. */
    return close(TAKE_FD(fd)) < 0 && errno != EINTR ? -errno : 0;
}

int cs_state_file_write(const struct cs_state_file *file, const char *data, size_t len)
{
    int error;

    if (unlinkat(file->directory, TEMPORARY, 0) < 0 && errno != ENOENT)
        return -errno;
    error = write_temporary(file, data, len);
    if (error == 0 && renameat(file->directory, TEMPORARY, file->directory, CS_STATE_FILE_NAME) < 0)
        error = -errno;
    if (error < 0) {
        unlinkat(file->directory, TEMPORARY, 0); /* it may be what has filled the disk */
        return error;
    }
    return fsync(file->directory) < 0 ? -errno : 0;
}

/* In the child. BPF programs stay attached as long as any process holds their links, so it must
 * hold none: Linux 5.9, close_range(2). */
static _Noreturn void save_and_exit(const struct cs_state_file *file, const char *data, size_t len,
                                    pid_t parent)
{
    unsigned int directory = (unsigned int)file->directory;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(ECHILD);
    if ((directory > 0 && close_range(0, directory - 1, 0) < 0) ||
        close_range(directory + 1, ~0u, 0) < 0)
        _exit(errno);
    _exit(-cs_state_file_write(file, data, len));
}

int cs_state_file_save(struct cs_state_file *file, const char *data, size_t len)
{
    pid_t parent = getpid(), pid;

    if (file->saving)
        return -EAGAIN;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        save_and_exit(file, data, len, parent);
    file->saving = pid;
    return 0;
}

/* -EAGAIN: it goes on. Else its exit status as -errno, and *child is 0. */
static int child_poll(pid_t *child)
{
    int status;
    pid_t pid;

    if (!*child)
        return 0;
    pid = waitpid(*child, &status, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return -EAGAIN;
    *child = 0;
    if (pid < 0)
        return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static int child_wait(pid_t *child, uint64_t timeout_ns)
{
    const struct timespec pause = {.tv_nsec = 2 * CS_NSEC_PER_MSEC};
    uint64_t until_ns = cs_monotonic_ns() + timeout_ns;
    int result = child_poll(child);

    while (result == -EAGAIN && cs_monotonic_ns() < until_ns) {
        nanosleep(&pause, NULL);
        result = child_poll(child);
    }
    return result;
}

int cs_state_file_poll(struct cs_state_file *file)
{
    return child_poll(&file->saving);
}

int cs_state_file_wait(struct cs_state_file *file, uint64_t timeout_ns)
{
    return child_wait(&file->saving, timeout_ns);
}

/* In the child, which holds no descriptor, as above. */
static _Noreturn void probe_and_exit(const char *directory, pid_t parent)
{
    struct stat status;
    int fd, file;
    char byte;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(ECHILD);
    if (close_range(0, ~0u, 0) < 0)
        _exit(errno);
    fd = open_directory(directory);
    if (fd < 0)
        _exit(-fd);
    file = openat(fd, CS_STATE_FILE_NAME, READ_FLAGS);
    /* What is wrong with the file, reading it will tell. */
    if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        (void)!read(file, &byte, 1);
    _exit(0);
}

int cs_state_file_probe(const char *directory, pid_t *child, uint64_t timeout_ns)
{
    pid_t parent = getpid(), pid;

    if (!*child) {
        pid = fork();
        if (pid < 0)
            return -errno;
        if (pid == 0)
            probe_and_exit(directory, parent);
        *child = pid;
    }
    return child_wait(child, timeout_ns);
}
