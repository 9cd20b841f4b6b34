/* SPDX-License-Identifier: Apache-2.0 */
/* What only /proc tells. */
#ifndef CS_IO_PROCFS_H
#define CS_IO_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The path in /proc/PID/cgroup that tells most about a process (cs_cgroup_lines_pick), for nodes
 * where pods live in v1 hierarchies and the v2 id is the root's. PID is in the initial pid
 * namespace, so this works only when cs_procfs_sees_host(). 0, -ESRCH (gone), -ENAMETOOLONG or
 * another -errno; path is then unchanged.
 */
int cs_procfs_cgroup_path(uint32_t pid, char *path, size_t size);

/* /proc shows the processes of the initial pid namespace, as with hostPID. */
bool cs_procfs_sees_host(void);

#endif
