/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON text as cJSON's tree, in memory of its own: bounded, and wiped as a whole, what a
 * failed parse has left behind included. For core/pods/pod_json.c only.
 */
#ifndef CS_CORE_POD_TREE_H
#define CS_CORE_POD_TREE_H

#include "base/cleanup.h"
#include "core/pods/pod_json.h"

#include <cjson/cJSON.h>

struct cs_pod_chunk;

struct cs_pod_tree {
    const cJSON *root;
    struct cs_pod_chunk *chunks; /* the newest first */
    size_t bytes;
    enum cs_pod_error error; /* why memory was refused */
};

/* tree is zeroed; wipe it whatever the result: CS_POD_OK, NOT_JSON, TOO_COMPLEX or NO_MEMORY. */
enum cs_pod_error cs_pod_tree_parse(struct cs_pod_tree *tree, struct cs_slice json);

/* Overwrite and free all of it. */
void cs_pod_tree_wipe(struct cs_pod_tree *tree);
#define _cleanup_pod_tree_ CS_CLEANUP(cs_pod_tree_wipe)

#endif
