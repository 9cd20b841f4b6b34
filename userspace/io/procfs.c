/* SPDX-License-Identifier: Apache-2.0 */
#include "io/procfs.h"

#include "base/file.h"
#include "base/util.h"
#include "core/attribute/cgroup_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The initial pid namespace's inode (kernel: include/linux/proc_ns.h, PROC_PID_INIT_INO). */
#define INITIAL_PID_NAMESPACE "pid:[4026531836]"

int cs_procfs_cgroup_path(uint32_t pid, char *path, size_t size)
{
    char name[32], text[16384];
    struct cs_slice best;
    long len;

    snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
    len = cs_file_read(name, text, sizeof(text));
    if (len == -ENOENT)
        return -ESRCH;
    if (len < 0)
        return (int)len;
    if (cs_cgroup_lines_pick((struct cs_slice){text, (size_t)len}, &best) < 0)
        return -EINVAL;
    if (best.len >= size)
        return -ENAMETOOLONG;
    cs_text_copy(path, size, best.data, best.len);
    return 0;
}

bool cs_procfs_sees_host(void)
{
    char target[64];
    ssize_t n = readlink("/proc/self/ns/pid", target, sizeof(target) - 1);

    if (n < 0)
        return false;
    target[n] = '\0';
    return strcmp(target, INITIAL_PID_NAMESPACE) == 0;
}
