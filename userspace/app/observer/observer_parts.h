/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of cs_observer_new, one part each. 0, or -errno after an error message. */
#ifndef CS_APP_OBSERVER_PARTS_H
#define CS_APP_OBSERVER_PARTS_H

#include "app/observer/observer.h"

/* The recorder, tables, assembler and event log; no kernel yet. */
int cs_observer_make_pipeline(struct cs_observer *observer);

/* The state of earlier runs, if any: its times are shown from the first page on. Before
 * cs_observer_make_servers, and before cs_observer_make_sensor, which gives up capabilities. */
int cs_observer_make_state(struct cs_observer *observer);

/* Save it when that is due: once a second, and once when all is attached. Never waits. */
void cs_observer_keep_state(struct cs_observer *observer, uint64_t now_ns);

/* Save it for the last time; waits for the disk, for some seconds. */
void cs_observer_save_state(struct cs_observer *observer);

/* What findings are expected: the built-in list and --expect. */
int cs_observer_make_expect(struct cs_observer *observer);

/* Tell which entries of --expect have expired since the last time. */
void cs_observer_warn_of_expired(struct cs_observer *observer);

/* The source of pods; nothing is asked before the loop runs. Before cs_observer_make_sensor, which
 * gives up capabilities, and after cs_observer_make_servers, whose readiness it sets. */
int cs_observer_make_kube(struct cs_observer *observer);

/* cgroup2, the kernel half, its ring in the loop; attached on return, the walk done. */
int cs_observer_make_sensor(struct cs_observer *observer);

/* Both HTTP servers, listening. */
int cs_observer_make_servers(struct cs_observer *observer);

void cs_observer_stop_state(struct cs_observer *observer);
void cs_observer_stop_pipeline(struct cs_observer *observer);
void cs_observer_stop_kube(struct cs_observer *observer);
void cs_observer_stop_sensor(struct cs_observer *observer);
void cs_observer_stop_servers(struct cs_observer *observer);

#endif
