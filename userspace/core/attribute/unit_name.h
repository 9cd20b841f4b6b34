/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a host process: the systemd unit that its cgroup belongs to. Pure, total over any
 * bytes.
 */
#ifndef CS_CORE_UNIT_NAME_H
#define CS_CORE_UNIT_NAME_H

#include "base/util.h"

#include <stddef.h>

/* The workload of a process in the root cgroup: no unit, and no kernel thread either. */
#define CS_UNIT_ROOT "/"

/*
 * Write the unit of the cgroup at path, NUL-terminated and never empty, to unit (size >= 2).
 * As systemd's cg_path_get_unit: the first component below the slices; a path of slices only is
 * its last slice. Below a container that is in no pod (a kind node seen from its host) the unit
 * is the container's own, if it runs systemd. What systemd doesn't name is its path's first two
 * components ("/podruntime/kubelet").
 *
 * Generated names are folded, so that the set is small:
 *   run-*.scope, session-*.scope          run.scope, session.scope
 *   run-u12.service, run-r3f….service     run.service
 *   docker-<hex>.scope, /docker/<hex>     docker.scope, /docker
 *   sshd@7-10.0.0.1:22-10.0.0.9:4242.service (Accept=yes)   sshd@.service
 * Bytes that are not printable ASCII become '?'.
 */
void cs_unit_name(struct cs_slice path, char *unit, size_t size);

#endif
