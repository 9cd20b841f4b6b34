/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup v2 file system: where it is, whether its root is the node's, what is in it.
 * A directory's id (bpf_get_current_cgroup_id) is its inode number on 64-bit systems, and the
 * 8 bytes of its file handle (kernel: fs/kernfs, FILEID_KERNFS).
 */
#ifndef CS_IO_CGROUP_FS_H
#define CS_IO_CGROUP_FS_H

#include "base/cleanup.h"
#include "core/attribute/mountinfo.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_CGROUP_ROOT_ID   UINT64_C(1) /* inode of the true root; a namespace's root has another */
#define CS_CGROUP_WALK_MAX  65536       /* directories that one walk visits */
#define CS_CGROUP_DEPTH_MAX 64

struct cs_cgroup_fs {
    int fd;                       /* directory to attach to and to walk; owned */
    int mount_fd;                 /* private mount that fd is in, or -1; owned */
    uint64_t id;                  /* of that directory */
    bool true_root;               /* it is the node's root: every cgroup is below it */
    enum cs_cgroup_layout layout; /* what /proc/self/mountinfo shows */
    char path[PATH_MAX];          /* of the directory; "(private mount)" */
    char point[PATH_MAX];         /* of its mount; "" for a private one */
    char root[PATH_MAX];          /* of that mount in the hierarchy: "" or "/a" */
    char prefix[PATH_MAX];        /* of the directory in the hierarchy: "" or "/a/b" */
};
#define CS_CGROUP_FS_INIT        \
    {                            \
        .fd = -1, .mount_fd = -1 \
    }

/*
 * Find the root of cgroup v2: of all cgroup2 mounts the one whose root is the node's; where there
 * is none, mount one privately (needs CAP_SYS_ADMIN; kernel 5.2+), attached to no place.
 * directory, if not NULL, is used instead, and may be any cgroup2 directory.
 *
 * 0, or, with one line in why (what is the matter and what to do) and *fs unchanged:
 * -EXDEV    only a private cgroup namespace's part is visible
 * -ENOENT   no cgroup2 and none can be mounted, or directory doesn't exist
 * -ENOTSUP  directory is not in a cgroup2 file system
 * or what open(2) gave.
 */
int cs_cgroup_fs_open(const char *directory, struct cs_cgroup_fs *fs, char *why, size_t why_size);

/* Accepts NULL, CS_CGROUP_FS_INIT and a closed one. */
void cs_cgroup_fs_close(struct cs_cgroup_fs *fs);
#define _cleanup_cgroup_fs_ CS_CLEANUP(cs_cgroup_fs_close)

/*
 * Call visit for fs's directory and each one below it, parents first. path is from the
 * hierarchy's root as the reader's cgroup namespace sees it ("/" for that itself): as the kernel's
 * own, when that is the true root.
 * Directories that vanish during the walk are left out. 0, what visit returned if not 0 (the walk
 * ends), -E2BIG when CS_CGROUP_WALK_MAX or CS_CGROUP_DEPTH_MAX left some out (the rest was
 * visited), or -errno of opening the directory itself.
 */
int cs_cgroup_fs_walk(const struct cs_cgroup_fs *fs,
                      int (*visit)(uint64_t id, const char *path, void *context), void *context);

/*
 * The path, as the walk's, of a directory that exists, by its id. Needs
 * CAP_DAC_READ_SEARCH in the initial user namespace. 0, -ESTALE (no such directory), -EPERM,
 * -ENAMETOOLONG, or what open_by_handle_at(2) gave; path is then unchanged.
 */
int cs_cgroup_fs_path_by_id(const struct cs_cgroup_fs *fs, uint64_t id, char *path, size_t size);

#endif
