/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_url.h"

#include "base/util.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_CHARACTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
#define ADDRESS_CHARACTERS "0123456789abcdefABCDEF:."

int cs_kube_url_make(const char *host, const char *port, char url[CS_KUBE_URL_MAX])
{
    size_t bracket = host[0] == '[', len = strlen(host);
    const char *zone = strchr(host, '%');
    size_t address;
    uint64_t number;
    int n;

    if (cs_parse_u64(port, 1, 65535, &number) < 0)
        return -EINVAL;
    if (!strchr(host, ':')) {
        if (len == 0 || strspn(host, HOST_CHARACTERS) != len)
            return -EINVAL;
        n = snprintf(url, CS_KUBE_URL_MAX, "https://%s:%s", host, port);
        return n < CS_KUBE_URL_MAX ? 0 : -ENAMETOOLONG;
    }
    if (bracket && host[len - 1] != ']')
        return -EINVAL;
    host += bracket;
    len -= 2 * bracket;
    address = zone ? (size_t)(zone - host) : len;
    if (strspn(host, ADDRESS_CHARACTERS) != address)
        return -EINVAL;
    if (!zone) {
        n = snprintf(url, CS_KUBE_URL_MAX, "https://[%.*s]:%s", (int)len, host, port);
        return n < CS_KUBE_URL_MAX ? 0 : -ENAMETOOLONG;
    }
    len -= address + 1;
    if (len == 0 || strspn(zone + 1, HOST_CHARACTERS) != len)
        return -EINVAL;
    n = snprintf(url, CS_KUBE_URL_MAX, "https://[%.*s%%25%.*s]:%s", (int)address, host, (int)len,
                 zone + 1, port);
    return n < CS_KUBE_URL_MAX ? 0 : -ENAMETOOLONG;
}

int cs_kube_url_clean(const char *text, char url[CS_KUBE_URL_MAX])
{
    size_t len = strlen(text);
    size_t scheme = strncasecmp(text, "https://", 8) == 0  ? 8
                    : strncasecmp(text, "http://", 7) == 0 ? 7
                                                           : 0;

    while (len > scheme && text[len - 1] == '/')
        len--;
    if (scheme == 0 || len == scheme || text[scheme] == '/' || text[scheme] == ':')
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f ||
            strchr("@?#\\\"<>", text[i]))
            return -EINVAL;
    }
    return cs_text_copy(url, CS_KUBE_URL_MAX, text, len) ? 0 : -ENAMETOOLONG;
}
