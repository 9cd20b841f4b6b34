/* SPDX-License-Identifier: Apache-2.0 */
/* A listening Unix socket at a path. */
#ifndef CS_IO_UNIX_SOCKET_H
#define CS_IO_UNIX_SOCKET_H

#include <sys/stat.h>
#include <sys/types.h>

struct cs_unix_socket {
    int fd;      /* non-blocking, close-on-exec; belongs to the caller */
    int path_fd; /* private: holds the inode, whose number would be used again otherwise */
    char path[108];
};

/*
 * Listen at path with exactly this mode from its first moment on. The parent directory is made
 * (0755) when it is missing; its own parent must exist. A socket left behind, to which nobody
 * listens, is replaced; a symbolic link is never followed.
 * 0, -ENAMETOOLONG (107 bytes at most), -EADDRINUSE (somebody listens there), -EEXIST (there is
 * something that is no socket), or another -errno; *listener is untouched on failure.
 */
int cs_unix_socket_listen(const char *path, mode_t mode, struct cs_unix_socket *listener);

/* Remove the path, if it still is this socket. The descriptor stays open. */
void cs_unix_socket_remove(struct cs_unix_socket *listener);

#endif
