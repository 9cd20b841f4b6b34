/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that outlives the observer: read at the start, saved every minute and at the stop.
 * Whatever fails here is warned of once and counted, and tried again a minute later; the observer
 * goes on without. A state that could not be read is never written over.
 */
#ifndef CS_APP_OBSERVER_STATE_H
#define CS_APP_OBSERVER_STATE_H

#include "core/state/state.h"
#include "io/state_file.h"

#include <stdbool.h>
#include <stdint.h>

struct cs_observer_state {
    struct cs_state *state;     /* NULL: --state-dir none */
    struct cs_state_file *file; /* NULL: not to be had, so far */
    pid_t probing;              /* asks whether the directory answers; 0 none */
    bool loaded;                /* what the file holds is in state, or put aside */
    bool gap_known;             /* … and says when the last run ended, or that there was none */
    bool saving;
    bool warned;           /* nothing has worked since */
    uint64_t next_save_ns; /* CLOCK_MONOTONIC */
    uint64_t not_saved;    /* attempts that failed */
    uint64_t put_aside;    /* files that can't be used */
    uint64_t left_out;     /* entries of the file that can't be */
};

#endif
