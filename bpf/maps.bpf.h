/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Every map. User space sizes and fills them before attach. */
#ifndef CS_MAPS_BPF_H
#define CS_MAPS_BPF_H

#include "state.bpf.h"

#define CS_CLIENTS_MAX 16384 /* watched connections open at a time whose interception is told */

/* Memory-mapped by user space. */
struct cs_sensor_stats stats;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} facts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct cs_socket);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, CS_WATCHED_ADDRESSES_MAX);
    __type(key, struct cs_address_key);
    __type(value, __u32); /* enum cs_watch_kind */
} addresses SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, CS_SNI_SUFFIXES_MAX);
    __type(key, struct cs_suffix_key);
    __type(value, __u32); /* enum cs_suffix_rule */
} suffixes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, CS_TOKEN_PATHS_MAX);
    __type(key, __u32);
    __type(value, struct cs_token_path);
} token_paths SEC(".maps");

/* What a passive socket found out about an open client. */
struct cs_client {
    __u64 cgroup_id; /* of the listener */
    __u8 asked[16];  /* where the client wanted to go */
    __u8 addr[16];   /* where it ended up */
    __u16 asked_port;
    __u16 port;
    __u32 found; /* addr, port and cgroup_id are valid */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, CS_CLIENTS_MAX);
    __type(key, struct cs_client_key);
    __type(value, struct cs_client);
} clients SEC(".maps");

#endif
