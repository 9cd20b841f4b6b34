/* SPDX-License-Identifier: Apache-2.0 */
#include "io/cgroup_fs.h"

#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MOUNTINFO     "/proc/self/mountinfo"
#define HANDLE_KERNFS 0xfe /* kernel: include/linux/exportfs.h, FILEID_KERNFS */

static const char private_namespace[] =
    "%s shows only the cgroup namespace that this process is in, not the node: mount the host's "
    "/sys/fs/cgroup into the container (a hostPath volume; any place will do, it is found)";

/* The file may be long (a mount for each volume of each pod), so it is sized as it is read. */
static char *mountinfo_read(size_t *len)
{
    _cleanup_fclose_ FILE *file = fopen(MOUNTINFO, "re");
    char *text = NULL;
    size_t size = 0;

    if (!file)
        return NULL;
    ssize_t n = getdelim(&text, &size, '\0', file);

    if (n < 0) {
        free(text);
        return NULL;
    }
    *len = (size_t)n;
    return text;
}

/* Open a cgroup2 directory. Its descriptor, -ENOTSUP if it is none, or -errno. */
static int directory_open(const char *path, uint64_t *id)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;
    struct stat st;

    if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (fs.f_type != CGROUP2_SUPER_MAGIC)
        return -ENOTSUP;
    *id = st.st_ino;
    return TAKE_FD(fd);
}

static bool is_cgroup2(const struct cs_mount *mount)
{
    return mount->fs_type.len == 7 && memcmp(mount->fs_type.data, "cgroup2", 7) == 0;
}

/* Set where fs is mounted: below is what comes behind the mount point. */
static void place_set(struct cs_cgroup_fs *fs, const struct cs_mount *mount, const char *below)
{
    /* "/../..": in a namespace below the mount's root nothing better is known. */
    bool plain = strcmp(mount->root, "/") != 0 && strncmp(mount->root, "/..", 3) != 0;

    cs_text_copy(fs->point, sizeof(fs->point), mount->point, strlen(mount->point));
    cs_text_copy(fs->root, sizeof(fs->root), mount->root, plain ? strlen(mount->root) : 0);
    if (snprintf(fs->prefix, sizeof(fs->prefix), "%s%s", fs->root, below) >=
        (int)sizeof(fs->prefix))
        fs->prefix[0] = '\0';
}

/* The mounted root of the node's hierarchy. 0, -EXDEV when only parts of it are mounted (*part is
 * one), -ENOENT when nothing is. */
static int mounts_search(struct cs_slice text, struct cs_cgroup_fs *fs, char part[PATH_MAX])
{
    int result = -ENOENT, r;
    struct cs_mount mount;

    while ((r = cs_mountinfo_next(&text, &mount)) != 0) {
        uint64_t id = 0;

        if (r < 0 || !is_cgroup2(&mount))
            continue;
        _cleanup_close_ int fd = directory_open(mount.point, &id);

        if (fd < 0)
            continue;
        if (id == CS_CGROUP_ROOT_ID) {
            place_set(fs, &mount, "");
            cs_text_copy(fs->path, sizeof(fs->path), mount.point, strlen(mount.point));
            fs->id = id;
            fs->fd = TAKE_FD(fd);
            return 0;
        }
        result = -EXDEV;
        cs_text_copy(part, PATH_MAX, mount.point, strlen(mount.point));
    }
    return result;
}

static int private_mount(struct cs_cgroup_fs *fs, char *why, size_t why_size)
{
    _cleanup_close_ int context = fsopen("cgroup2", FSOPEN_CLOEXEC);
    _cleanup_close_ int mount_fd = -1;
    struct stat st;

    if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        mount_fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (mount_fd >= 0)
        fs->fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount_fd < 0 || fs->fd < 0 || fstat(fs->fd, &st) < 0) {
        snprintf(why, why_size,
                 "no cgroup2 file system is mounted and none can be mounted here (%s): mount the "
                 "host's into the container, or add CAP_SYS_ADMIN",
                 strerror(errno));
        return -ENOENT;
    }
    if (st.st_ino != CS_CGROUP_ROOT_ID) {
        snprintf(why, why_size, private_namespace, "a fresh cgroup2 mount");
        return -EXDEV;
    }
    fs->id = st.st_ino;
    fs->mount_fd = TAKE_FD(mount_fd);
    cs_text_copy(fs->path, sizeof(fs->path), "(private mount)", strlen("(private mount)"));
    return 0;
}

static int root_open(struct cs_slice mountinfo, struct cs_cgroup_fs *fs, char *why, size_t why_size)
{
    char part[PATH_MAX];
    int r = mounts_search(mountinfo, fs, part);

    if (r == -ENOENT)
        return private_mount(fs, why, why_size);
    if (r == -EXDEV)
        snprintf(why, why_size, private_namespace, part);
    return r;
}

/* Find the mount that path is in: the longest mount point, the last of equals. */
static void place_find(struct cs_slice mountinfo, const char *path, struct cs_cgroup_fs *fs)
{
    struct cs_mount mount;
    size_t best = 0;
    int r;

    while ((r = cs_mountinfo_next(&mountinfo, &mount)) != 0) {
        size_t len = r > 0 ? strlen(mount.point) : 0;

        if (len < best || len == 0 || !is_cgroup2(&mount) || strncmp(path, mount.point, len) != 0 ||
            (path[len] != '\0' && path[len] != '/'))
            continue;
        best = len;
        place_set(fs, &mount, path + len);
    }
}

static int given_open(struct cs_slice mountinfo, const char *directory, struct cs_cgroup_fs *fs,
                      char *why, size_t why_size)
{
    _cleanup_free_ char *path = realpath(directory, NULL);
    int fd = path ? directory_open(path, &fs->id) : -errno;

    if (fd == -ENOTSUP)
        snprintf(why, why_size, "%s is not in a cgroup2 file system", directory);
    else if (fd < 0)
        snprintf(why, why_size, "%s: %s", directory, strerror(-fd));
    if (fd < 0)
        return fd;
    fs->fd = fd;
    place_find(mountinfo, path, fs);
    cs_text_copy(fs->path, sizeof(fs->path), path, strlen(path));
    return 0;
}

int cs_cgroup_fs_open(const char *directory, struct cs_cgroup_fs *fs, char *why, size_t why_size)
{
    _cleanup_cgroup_fs_ struct cs_cgroup_fs new = CS_CGROUP_FS_INIT;
    size_t len = 0;
    _cleanup_free_ char *text = mountinfo_read(&len);
    struct cs_slice mountinfo = {text, len};
    int r;

    if (!text) {
        snprintf(why, why_size, "%s can't be read: mount /proc", MOUNTINFO);
        return -ENOENT;
    }
    new.layout = cs_mountinfo_layout(mountinfo);
    r = directory ? given_open(mountinfo, directory, &new, why, why_size)
                  : root_open(mountinfo, &new, why, why_size);
    if (r < 0)
        return r;
    new.true_root = new.id == CS_CGROUP_ROOT_ID;
    *fs = new;
    new.fd = -1;
    new.mount_fd = -1;
    return 0;
}

void cs_cgroup_fs_close(struct cs_cgroup_fs *fs)
{
    if (!fs)
        return;
    cs_close_fd(&fs->fd);
    cs_close_fd(&fs->mount_fd);
}

struct walk {
    int (*visit)(uint64_t id, const char *path, void *context);
    void *context;
    unsigned int visited;
    bool left_out;
    char path[PATH_MAX];
    size_t len;
};

static void directory_close(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static int walk_directory(struct walk *walk, int parent_fd, const char *name, unsigned int depth);

static int walk_child(struct walk *walk, int fd, const struct dirent *child, unsigned int depth)
{
    size_t len = walk->len;
    int n = snprintf(walk->path + len, sizeof(walk->path) - len, "/%s", child->d_name);
    int r = 0;

    if (n < 0 || (size_t)n >= sizeof(walk->path) - len || walk->visited >= CS_CGROUP_WALK_MAX ||
        depth >= CS_CGROUP_DEPTH_MAX) {
        walk->left_out = true;
    } else {
        walk->len += (size_t)n;
        walk->visited++;
        r = walk->visit(child->d_ino, walk->path, walk->context);
        if (r == 0)
            r = walk_directory(walk, fd, child->d_name, depth + 1);
    }
    walk->len = len;
    walk->path[len] = '\0';
    return r;
}

static int walk_directory(struct walk *walk, int parent_fd, const char *name, unsigned int depth)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    CS_CLEANUP(directory_close) DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *child;

    if (!directory) {
        int error = errno;

        if (fd >= 0)
            close(fd);
        /* It went meanwhile. */
        return depth == 0 ? -error : 0;
    }
    while ((child = readdir(directory))) {
        int r;

        if (child->d_type != DT_DIR || strcmp(child->d_name, ".") == 0 ||
            strcmp(child->d_name, "..") == 0)
            continue;
        r = walk_child(walk, fd, child, depth);
        if (r != 0)
            return r;
    }
    return 0;
}

int cs_cgroup_fs_walk(const struct cs_cgroup_fs *fs,
                      int (*visit)(uint64_t id, const char *path, void *context), void *context)
{
    struct walk walk = {.visit = visit, .context = context};
    int r;

    walk.len = strlen(fs->prefix);
    memcpy(walk.path, fs->prefix, walk.len + 1);
    r = visit(fs->id, walk.len > 0 ? walk.path : "/", context);
    if (r == 0)
        r = walk_directory(&walk, fs->fd, ".", 0);
    return r == 0 && walk.left_out ? -E2BIG : r;
}

int cs_cgroup_fs_path_by_id(const struct cs_cgroup_fs *fs, uint64_t id, char *path, size_t size)
{
    union {
        struct file_handle handle;
        char bytes[sizeof(struct file_handle) + sizeof(id)];
    } u = {.handle = {.handle_bytes = sizeof(id), .handle_type = HANDLE_KERNFS}};
    char name[32], target[PATH_MAX];
    size_t point = strlen(fs->point);
    ssize_t n;

    memcpy(u.handle.f_handle, &id, sizeof(id));
    _cleanup_close_ int fd =
        open_by_handle_at(fs->fd, &u.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    n = readlink(name, target, sizeof(target) - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    if (strncmp(target, fs->point, point) != 0 || (target[point] != '/' && target[point] != '\0'))
        return -ESTALE;
    if (strlen(fs->root) + (size_t)n - point >= size || size < 2)
        return -ENAMETOOLONG;
    snprintf(path, size, "%s%s", fs->root, target + point);
    if (path[0] == '\0')
        cs_text_copy(path, size, "/", 1);
    return 0;
}
