/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload that a pod belongs to, from the pod alone: no other object is read, so listing
 * pods is the only right needed. Generated names are folded, so that the set stays small.
 *
 *   owner                            workload_kind, workload
 *   ReplicaSet, name ends with "-" + pod-template-hash             Deployment, the rest
 *   ReplicaSet, name ends with "-" + rollouts-pod-template-hash    Rollout, the rest
 *   Job named as a CronJob names it  CronJob, the rest
 *   Job                              Job, its stem
 *   StatefulSet, DaemonSet, ReplicaSet, ReplicationController      as it is
 *   Node, or a static pod            StaticPod, the pod's name without "-" + node
 *   any other kind                   that kind, the name's stem
 *   none                             Pod, generateName without its "-", or the name's stem
 */
#ifndef CS_CORE_OWNER_H
#define CS_CORE_OWNER_H

#include "core/pods/pod.h"

/* Every field of *workload is filled and non-empty. */
void cs_owner_workload(const struct cs_pod *pod, struct cs_workload *workload);

/*
 * The name without the generated endings of the field: Kubernetes' five random characters
 * (apimachinery util/rand: no vowels, no 0, 1, 3), UUIDs, hexadecimal of 8 digits and more with a
 * figure in it, decimal numbers of 6 digits and more. At least one component stays. stem holds
 * CS_NAME_MAX; name is shorter.
 */
void cs_owner_stem(const char *name, char stem[CS_NAME_MAX]);

#endif
