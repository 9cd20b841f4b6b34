/* SPDX-License-Identifier: Apache-2.0 */
/* The watch list in the kernel half's form. */
#include "io/sensor_internal.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

int cs_sensor_configure(struct credscope_bpf *skeleton, const struct cs_sensor_config *config,
                        struct cs_sensor_error *error)
{
    const struct cs_watchlist *watch = config->watch;
    struct cs_sensor_constants *to = &skeleton->rodata->config;
    uint16_t ports[CS_PLAIN_PORTS_MAX];
    size_t n = cs_watchlist_plain_ports(watch, ports);
    uint32_t ring = config->ring_bytes ? config->ring_bytes : CS_SENSOR_RING_BYTES;
    int err;

    if (to->abi_version != CS_ABI_VERSION)
        return cs_sensor_fail(error, -EPROTO, "the kernel half speaks ABI %u, not %u",
                              to->abi_version, CS_ABI_VERSION);
    for (size_t i = 0; i < n; i++)
        to->ports[to->port_count++] = htonl(ports[i]);
    for (size_t i = 0; i < watch->tls_port_count; i++) {
        to->ports[to->port_count++] = htonl(watch->tls_ports[i]);
        to->tls_ports[to->tls_port_count++] = watch->tls_ports[i];
    }
    if (config->watch_port_zero)
        to->ports[to->port_count++] = 0;
    to->token_path_count = watch->token_count;
    cs_watchlist_token_filter(watch, (struct cs_token_filter *)&skeleton->rodata->token_filter);
    err = bpf_map__set_max_entries(skeleton->maps.facts, ring);
    return err ? cs_sensor_fail(error, err, "ring of %u bytes: %s", ring, strerror(-err)) : 0;
}

static int update(const struct bpf_map *map, const void *key, const void *value,
                  struct cs_sensor_error *error)
{
    int err = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);

    if (err)
        return cs_sensor_fail(error, err, "cannot fill the map %s: %s", bpf_map__name(map),
                              strerror(-err));
    return 0;
}

int cs_sensor_fill(struct credscope_bpf *skeleton, const struct cs_sensor_config *config,
                   struct cs_sensor_error *error)
{
    const struct cs_watchlist *watch = config->watch;
    int err = 0;

    for (size_t i = 0; !err && i < watch->address_count; i++) {
        uint32_t kind = watch->addresses[i].kind;

        err = update(skeleton->maps.addresses, &watch->addresses[i].key, &kind, error);
    }
    for (size_t i = 0; !err && i < watch->suffix_count; i++) {
        struct cs_suffix_key key = {0};
        uint32_t rule = watch->suffixes[i].rule;

        cs_watch_suffix_key(&watch->suffixes[i], &key);
        err = update(skeleton->maps.suffixes, &key, &rule, error);
    }
    for (uint32_t i = 0; !err && i < watch->token_count; i++) {
        struct cs_token_path path = {0};

        cs_watch_token_path(&watch->tokens[i], &path);
        err = update(skeleton->maps.token_paths, &i, &path, error);
    }
    return err;
}
