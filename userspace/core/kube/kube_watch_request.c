/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_watch_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct target {
    char *text;
    size_t len;
    bool whole;
};

static void add(struct target *target, const char *bytes, size_t n)
{
    if (n >= CS_KUBE_TARGET_MAX - target->len) {
        target->whole = false;
        return;
    }
    memcpy(target->text + target->len, bytes, n);
    target->len += n;
    target->text[target->len] = '\0';
}

static void add_text(struct target *target, const char *text)
{
    add(target, text, strlen(text));
}

/* The unreserved characters of RFC 3986 stay, everything else is percent-encoded. */
static void add_encoded(struct target *target, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";

    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;

        if (strchr(unreserved, c))
            add(target, text, 1);
        else
            add(target, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

static void add_number(struct target *target, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    add_text(target, text);
}

static void add_list(struct cs_kube_watch *watch, struct target *target, const char *separator)
{
    if (watch->from == CS_KUBE_FROM_CACHE && watch->continue_token[0] == '\0') {
        add_text(target, separator);
        add_text(target, "resourceVersion=0");
        return;
    }
    if (watch->from == CS_KUBE_FROM_ETCD_WHOLE)
        return;
    add_text(target, separator);
    add_text(target, "limit=");
    add_number(target, watch->options.page_limit);
    if (watch->continue_token[0] != '\0') {
        add_text(target, "&continue=");
        add_encoded(target, watch->continue_token);
    }
}

static void add_watch(struct cs_kube_watch *watch, struct target *target, const char *separator)
{
    const struct cs_kube_watch_options *options = &watch->options;
    uint64_t seconds = cs_kube_backoff_random(&watch->backoff, options->watch_seconds_min,
                                              options->watch_seconds_max);

    add_text(target, separator);
    add_text(target, "watch=true&allowWatchBookmarks=true&resourceVersion=");
    add_encoded(target, watch->version);
    add_text(target, "&timeoutSeconds=");
    add_number(target, seconds);
    watch->promised_ns = seconds * CS_NSEC_PER_SEC;
    /* The server ends it; this is for one that doesn't. */
    watch->longest_ns = watch->promised_ns + watch->promised_ns / 4 + CS_NSEC_PER_SEC;
}

int cs_kube_watch_target(struct cs_kube_watch *watch, struct cs_kube_request *request)
{
    struct target target = {.text = request->target, .whole = true};
    const char *separator = "?";

    request->watch = watch->watching;
    watch->longest_ns = watch->options.list_longest_ns;
    add_text(&target, watch->options.path);
    if (watch->options.node_name[0] != '\0') {
        add_text(&target, "?fieldSelector=spec.nodeName%3D");
        add_encoded(&target, watch->options.node_name);
        separator = "&";
    }
    if (watch->watching)
        add_watch(watch, &target, separator);
    else if (!watch->options.poll)
        add_list(watch, &target, separator);
    return target.whole ? 0 : -ENAMETOOLONG;
}
