/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/config.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int unix_parse(const char *path, struct cs_listen *listen, char why[CS_OPTION_WHY_MAX])
{
    struct sockaddr_un *un = &listen->address.un;

    if (path[0] != '/') {
        snprintf(why, CS_OPTION_WHY_MAX, "the socket's path must start with '/'");
        return -EINVAL;
    }
    un->sun_family = AF_UNIX;
    if (!cs_text_copy(un->sun_path, sizeof(un->sun_path), path, strlen(path))) {
        snprintf(why, CS_OPTION_WHY_MAX, "a socket's path has at most %zu bytes",
                 sizeof(un->sun_path) - 1);
        return -EINVAL;
    }
    listen->len = sizeof(*un);
    return 0;
}

static int host_parse(const char *host, bool bracketed, uint16_t port, struct cs_listen *listen)
{
    struct sockaddr_in *in = &listen->address.in;
    struct sockaddr_in6 *in6 = &listen->address.in6;

    if (!bracketed && host[0] != '\0') {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        listen->len = sizeof(*in);
        return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    listen->len = sizeof(*in6);
    listen->any = !bracketed;
    return !bracketed || inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
}

static int tcp_parse(const char *text, struct cs_listen *listen)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    char host[INET6_ADDRSTRLEN];
    uint64_t port;

    if (!colon || cs_parse_u64(colon + 1, 0, UINT16_MAX, &port) < 0)
        return -EINVAL;
    if (!cs_text_copy(host, sizeof(host), text + bracketed, len - 2 * (size_t)bracketed))
        return -EINVAL;
    return host_parse(host, bracketed, (uint16_t)port, listen);
}

int cs_listen_parse(const char *text, bool allow_unix, struct cs_listen *listen,
                    char why[CS_OPTION_WHY_MAX])
{
    struct cs_listen parsed = {0};
    int r;

    if (allow_unix && strncmp(text, "unix:", 5) == 0) {
        r = unix_parse(text + 5, &parsed, why);
    } else {
        r = tcp_parse(text, &parsed);
        if (r < 0)
            snprintf(why, CS_OPTION_WHY_MAX,
                     "must be ADDRESS:PORT, [IPV6]:PORT or :PORT, with an IP address%s",
                     allow_unix ? ", or unix:PATH" : "");
    }
    if (r < 0)
        return r;
    cs_text_copy(parsed.text, sizeof(parsed.text), text, strlen(text));
    *listen = parsed;
    return 0;
}
