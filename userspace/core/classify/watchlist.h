/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is watched: destinations, TLS ports, server names, token files. One built-in table of
 * each (adding a row is the whole change), plus what the flags add. The kernel half gets the
 * entries as ABI keys; classification asks the same tables, so the halves can't disagree.
 *
 * The adding functions take a flag's text, check it whole and return 0, -EINVAL (not of the
 * flag's form), -EEXIST (already there with another meaning) or -ENOSPC (table full); the list is
 * unchanged on failure. Adding the same entry again is 0.
 */
#ifndef CS_CORE_WATCHLIST_H
#define CS_CORE_WATCHLIST_H

#include "core/classify/classify.h"
#include "core/mechanism.h"

#include <credscope/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_watch_address {
    struct cs_address_key key; /* as the kernel map's key; port in host order */
    enum cs_watch_kind kind;   /* CS_WATCH_PLAIN or CS_WATCH_PROXY */
    enum cs_endpoint endpoint;
};

struct cs_watch_suffix {
    char name[CS_HOST_NAME_MAX + 1]; /* lower case, no dot at either end */
    enum cs_suffix_rule rule;
    enum cs_endpoint endpoint; /* with CS_SUFFIX_AWS the label decides, see server_name.h */
};

/* path: the end of the file's path as programs write it, from a '/'. The atomic writer's
 * directories ("..data", "..2026_…") are not part of it: the sensor steps over them. */
struct cs_watch_token {
    char path[CS_TOKEN_SUFFIX_MAX];
    enum cs_mechanism mechanism;
};

struct cs_watchlist {
    size_t address_count;
    size_t tls_port_count;
    size_t suffix_count;
    size_t token_count;
    struct cs_watch_address addresses[CS_WATCHED_ADDRESSES_MAX];
    uint16_t tls_ports[CS_TLS_PORTS_MAX];
    struct cs_watch_suffix suffixes[CS_SNI_SUFFIXES_MAX];
    struct cs_watch_token tokens[CS_TOKEN_PATHS_MAX]; /* index = cs_fact_token_open.token */
};

/* The built-in entries. */
void cs_watchlist_init(struct cs_watchlist *list);

/* --metadata-address ADDR[:PORT] (port 80 if absent), kind CS_WATCH_PLAIN;
 * --proxy-address ADDR:PORT, kind CS_WATCH_PROXY. IPv6 with a port stands in brackets. */
int cs_watchlist_add_address(struct cs_watchlist *list, const char *text, enum cs_watch_kind kind);

/* --tls-port; 1 … 65535. */
int cs_watchlist_add_tls_port(struct cs_watchlist *list, uint16_t port);

/* --sts-host, --entra-host: every name at or under the suffix. A leading "*." or "." and a
 * trailing '.' are taken off. */
int cs_watchlist_add_suffix(struct cs_watchlist *list, const char *text, enum cs_endpoint endpoint);

/* --token-path NAME=MECHANISM: a path, or a bare file name that may lie anywhere. MECHANISM is
 * the label of one that has a token file: irsa, eks-pod-identity, azure-workload-identity. */
int cs_watchlist_add_token(struct cs_watchlist *list, const char *text);

/* The entry of that destination, NULL if it isn't watched. addr as in the ABI (mapped IPv4). */
const struct cs_watch_address *cs_watchlist_address(const struct cs_watchlist *list,
                                                    const uint8_t addr[16], uint16_t port);

/* The longest suffix at a label boundary of a lower-case name, NULL if none; *left gets the
 * length of what is left of it, its dot excluded. */
const struct cs_watch_suffix *cs_watchlist_suffix(const struct cs_watchlist *list, const char *name,
                                                  size_t *left);

/* The distinct ports of the addresses; returns how many (≤ CS_PLAIN_PORTS_MAX, adding sees to
 * that). */
size_t cs_watchlist_plain_ports(const struct cs_watchlist *list,
                                uint16_t ports[CS_PLAIN_PORTS_MAX]);

/* ABI forms. The bytes that an entry doesn't use are 0. */
void cs_watch_suffix_key(const struct cs_watch_suffix *suffix, struct cs_suffix_key *key);
void cs_watch_token_path(const struct cs_watch_token *token, struct cs_token_path *path);

/* The kernel's cheap reject of an open: by_length[n] has bit i set when entry i's file name has n
 * bytes, heads[i] is the first 8 bytes of that name, zero-padded, as they lie in memory. */
#define CS_TOKEN_NAME_MAX       64 /* a component of a watched path is shorter */
#define CS_TOKEN_COMPONENTS_MAX 8  /* of a watched path */
struct cs_token_filter {
    uint32_t by_length[CS_TOKEN_NAME_MAX];
    uint64_t heads[CS_TOKEN_PATHS_MAX];
};
void cs_watchlist_token_filter(const struct cs_watchlist *list, struct cs_token_filter *filter);

#endif
