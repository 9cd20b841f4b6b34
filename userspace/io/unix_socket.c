/* SPDX-License-Identifier: Apache-2.0 */
#include "io/unix_socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKLOG 16

static int new_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int make_parent(const char *path)
{
    char parent[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    char *slash;

    strcpy(parent, path); /* no longer than sun_path: the caller has looked */
    slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return 0;
    *slash = '\0';
    return mkdir(parent, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Remove what is at the address if it is a socket that nobody listens on. */
static int remove_stale(const struct sockaddr_un *address)
{
    _cleanup_close_ int fd = -1;
    struct stat status;

    if (lstat(address->sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    fd = new_socket();
    if (fd < 0)
        return fd;
    /* EAGAIN: a listener with a full queue. */
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return -EADDRINUSE;
    if (errno != ECONNREFUSED)
        return errno == ENOENT ? 0 : -errno;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int cs_unix_socket_listen(const char *path, mode_t mode, struct cs_unix_socket *listener)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -1, path_fd = -1;
    int r;

    if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path))
        return path[0] == '\0' ? -EINVAL : -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    r = make_parent(path);
    if (r == 0)
        r = remove_stale(&address);
    if (r < 0)
        return r;
    fd = new_socket();
    if (fd < 0)
        return fd;
    /* unix(7): bind makes the file with the mode of the socket's own inode, less the umask; so
     * there is no moment at which others may connect. The chmod undoes the umask. */
    if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    path_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (path_fd < 0 || chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0) {
        r = -errno;
        unlink(path);
        return r;
    }
    *listener = (struct cs_unix_socket){.fd = TAKE_FD(fd), .path_fd = TAKE_FD(path_fd)};
    strcpy(listener->path, path);
    return 0;
}

void cs_unix_socket_remove(struct cs_unix_socket *listener)
{
    struct stat now, ours;

    if (listener->path[0] == '\0')
        return;
    if (lstat(listener->path, &now) == 0 && fstat(listener->path_fd, &ours) == 0 &&
        now.st_dev == ours.st_dev && now.st_ino == ours.st_ino)
        unlink(listener->path);
    close(listener->path_fd);
    listener->path[0] = '\0';
}
