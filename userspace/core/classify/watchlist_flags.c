// SPDX-License-Identifier: Apache-2.0
/* The flags' entries: text in, a checked row of the watch list out. */
#include "core/classify/watchlist.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define METADATA_PORT 80
#define DNS_NAME_MAX  253 /* RFC 1035 2.3.4 without the root label */
#define DNS_LABEL_MAX 63

/* "ADDR", "ADDR:PORT", "[ADDR6]:PORT", "[ADDR6]"; *port is left alone when absent. */
static int split_address(const char *text, char host[INET6_ADDRSTRLEN], uint16_t *port)
{
    const char *end, *colon = NULL;
    uint64_t value;

    if (text[0] == '[') {
        text++;
        end = strchr(text, ']');
        if (!end || !memchr(text, ':', (size_t)(end - text)) || (end[1] && end[1] != ':'))
            return -EINVAL;
        colon = end[1] ? end + 1 : NULL;
    } else {
        const char *first = strchr(text, ':');

        if (first && !strchr(first + 1, ':'))
            colon = first;
        end = colon ? colon : text + strlen(text);
    }
    if (!cs_text_copy(host, INET6_ADDRSTRLEN, text, (size_t)(end - text)))
        return -EINVAL;
    if (colon) {
        if (cs_parse_u64(colon + 1, 1, UINT16_MAX, &value))
            return -EINVAL;
        *port = (uint16_t)value;
    }
    return 0;
}

/* A unicast address as 16 bytes; neither "any" nor multicast can be a connection's peer. */
static int parse_address(const char *host, uint8_t addr[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t any[16];
    uint8_t v4[4];

    if (inet_pton(AF_INET, host, v4) == 1) {
        memcpy(addr, mapped, sizeof(mapped));
        memcpy(addr + 12, v4, sizeof(v4));
    } else if (inet_pton(AF_INET6, host, addr) != 1) {
        return -EINVAL;
    }
    if (memcmp(addr, any, sizeof(any)) == 0 || addr[0] == 0xff)
        return -EINVAL;
    if (memcmp(addr, mapped, sizeof(mapped)) == 0 && (addr[12] == 0 || addr[12] >= 224))
        return -EINVAL;
    return 0;
}

static bool has_room_for_port(const struct cs_watchlist *list, uint16_t port)
{
    uint16_t ports[CS_PLAIN_PORTS_MAX];
    size_t count = cs_watchlist_plain_ports(list, ports);

    for (size_t i = 0; i < count; i++) {
        if (ports[i] == port)
            return true;
    }
    return count < CS_PLAIN_PORTS_MAX;
}

int cs_watchlist_add_address(struct cs_watchlist *list, const char *text, enum cs_watch_kind kind)
{
    struct cs_watch_address entry = {.kind = kind};
    const struct cs_watch_address *old;
    char host[INET6_ADDRSTRLEN];
    uint16_t port = kind == CS_WATCH_PLAIN ? METADATA_PORT : 0;
    int err = split_address(text, host, &port);

    if (err == 0)
        err = parse_address(host, entry.key.addr);
    if (err)
        return err;
    if (port == 0 || (kind != CS_WATCH_PLAIN && kind != CS_WATCH_PROXY))
        return -EINVAL;
    entry.key.port = port;
    entry.endpoint = kind == CS_WATCH_PROXY ? CS_ENDPOINT_PROXY : CS_ENDPOINT_IMDS;
    old = cs_watchlist_address(list, entry.key.addr, port);
    if (old)
        return old->kind == kind ? 0 : -EEXIST;
    if (list->address_count == CS_WATCHED_ADDRESSES_MAX || !has_room_for_port(list, port))
        return -ENOSPC;
    list->addresses[list->address_count++] = entry;
    return 0;
}

int cs_watchlist_add_tls_port(struct cs_watchlist *list, uint16_t port)
{
    if (port == 0)
        return -EINVAL;
    for (size_t i = 0; i < list->tls_port_count; i++) {
        if (list->tls_ports[i] == port)
            return 0;
    }
    if (list->tls_port_count == CS_TLS_PORTS_MAX)
        return -ENOSPC;
    list->tls_ports[list->tls_port_count++] = port;
    return 0;
}

/* Lower-case the DNS name in place and check its labels (RFC 1123 2.1, and '_' as in the wild). */
static bool normalise_name(char *name)
{
    size_t label = 0;

    for (char *c = name; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
        if (*c == '.') {
            if (label == 0 || c[-1] == '-')
                return false;
            label = 0;
            continue;
        }
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' ||
              (*c == '-' && label > 0)) ||
            ++label > DNS_LABEL_MAX)
            return false;
    }
    return label > 0 && name[strlen(name) - 1] != '-';
}

int cs_watchlist_add_suffix(struct cs_watchlist *list, const char *text, enum cs_endpoint endpoint)
{
    struct cs_watch_suffix entry = {.rule = CS_SUFFIX_ANY, .endpoint = endpoint};
    size_t len;

    if (strncmp(text, "*.", 2) == 0)
        text += 2;
    else if (text[0] == '.')
        text++;
    len = strlen(text);
    if (len > 0 && text[len - 1] == '.')
        len--;
    if (len > DNS_NAME_MAX || !cs_text_copy(entry.name, sizeof(entry.name), text, len) ||
        !normalise_name(entry.name))
        return -EINVAL;
    for (size_t i = 0; i < list->suffix_count; i++) {
        const struct cs_watch_suffix *old = &list->suffixes[i];

        if (strcmp(old->name, entry.name) == 0)
            return old->rule == entry.rule && old->endpoint == endpoint ? 0 : -EEXIST;
    }
    if (list->suffix_count == CS_SNI_SUFFIXES_MAX)
        return -ENOSPC;
    list->suffixes[list->suffix_count++] = entry;
    return 0;
}

/* Each component non-empty, shorter than CS_TOKEN_NAME_MAX, not "." and not starting with "..":
 * such ones never reach the sensor's comparison. */
static bool valid_path(const char *path)
{
    size_t components = 0;

    while (*path == '/') {
        size_t len = strcspn(++path, "/");

        if (len == 0 || len >= CS_TOKEN_NAME_MAX || (len == 1 && path[0] == '.') ||
            strncmp(path, "..", 2) == 0 || ++components > CS_TOKEN_COMPONENTS_MAX)
            return false;
        path += len;
    }
    return components > 0;
}

static bool find_token_mechanism(const char *name, enum cs_mechanism *mechanism)
{
    static const enum cs_mechanism allowed[] = {
        CS_MECHANISM_IRSA,
        CS_MECHANISM_EKS_POD_IDENTITY,
        CS_MECHANISM_AZURE_WORKLOAD_IDENTITY,
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(allowed); i++) {
        if (strcmp(cs_mechanism_info(allowed[i])->name, name) == 0) {
            *mechanism = allowed[i];
            return true;
        }
    }
    return false;
}

int cs_watchlist_add_token(struct cs_watchlist *list, const char *text)
{
    struct cs_watch_token entry = {0};
    const char *equals = strrchr(text, '=');
    size_t len, slash;

    if (!equals || !find_token_mechanism(equals + 1, &entry.mechanism))
        return -EINVAL;
    /* /var/run is a symlink to /run in most images: what both end in is watched. */
    if (strncmp(text, "/var/run/", 9) == 0)
        text += 4;
    len = (size_t)(equals - text);
    slash = text[0] != '/';
    entry.path[0] = '/';
    if (!cs_text_copy(entry.path + slash, sizeof(entry.path) - slash, text, len) ||
        !valid_path(entry.path))
        return -EINVAL;
    for (size_t i = 0; i < list->token_count; i++) {
        if (strcmp(list->tokens[i].path, entry.path) == 0)
            return list->tokens[i].mechanism == entry.mechanism ? 0 : -EEXIST;
    }
    if (list->token_count == CS_TOKEN_PATHS_MAX)
        return -ENOSPC;
    list->tokens[list->token_count++] = entry;
    return 0;
}
