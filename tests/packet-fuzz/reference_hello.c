// SPDX-License-Identifier: Apache-2.0
#include "reference_hello.h"

#include "core/classify/watchlist.h"

#include <ctype.h>
#include <string.h>

/* Bytes yet to be read of a vector; bad once more were asked for than there are. */
struct reader {
    const uint8_t *p;
    uint32_t left;
    bool bad;
};

static struct reader take(struct reader *r, uint32_t n)
{
    struct reader part = {r->p, n, false};

    if (r->bad || n > r->left) {
        r->bad = true;
        return (struct reader){r->p, 0, true};
    }
    r->p += n;
    r->left -= n;
    return part;
}

static uint32_t number(struct reader *r, uint32_t bytes)
{
    struct reader part = take(r, bytes);
    uint32_t value = 0;

    for (uint32_t i = 0; i < part.left; i++)
        value = value << 8 | part.p[i];
    return value;
}

static struct reader vector(struct reader *r, uint32_t length_bytes)
{
    return take(r, number(r, length_bytes));
}

static bool is(struct reader r, const char *text)
{
    return r.left == strlen(text) && !memcmp(r.p, text, r.left);
}

/* True when well-formed. */
static bool server_name(struct reader ext, struct pf_hello *hello)
{
    struct reader list = vector(&ext, 2), name;

    if (number(&list, 1) != 0)
        return false;
    name = vector(&list, 2);
    if (list.bad || list.left || ext.left || !name.left || name.left > CS_HOST_NAME_MAX)
        return false;
    if (name.p[name.left - 1] == '.')
        name.left--; /* RFC 6066 forbids it; names are compared without */
    memcpy(hello->name, name.p, name.left);
    hello->name_len = (uint16_t)name.left;
    return name.left != 0;
}

static bool alpn(struct reader ext, struct pf_hello *hello)
{
    struct reader list = vector(&ext, 2);

    while (list.left && !list.bad) {
        struct reader name = vector(&list, 1);

        if (!name.left)
            return false;
        if (is(name, "h2"))
            hello->flags |= CS_HELLO_ALPN_H2;
        if (is(name, "http/1.1"))
            hello->flags |= CS_HELLO_ALPN_HTTP11;
    }
    return !list.bad && !ext.bad && !ext.left;
}

static bool client_versions(struct reader ext, struct pf_hello *hello)
{
    struct reader list = vector(&ext, 1);

    if (list.left % 2 || !list.left)
        return false;
    while (list.left)
        if (number(&list, 2) == 0x0304)
            hello->flags |= CS_HELLO_TLS13;
    return !ext.bad && !ext.left;
}

static bool extension(uint32_t type, struct reader ext, bool client, struct pf_hello *hello)
{
    switch (type) {
    case 0:
        return !client || server_name(ext, hello);
    case 16:
        return !client || alpn(ext, hello);
    case 41:
        hello->flags |= CS_HELLO_PSK;
        return true;
    case 43:
        if (client)
            return client_versions(ext, hello);
        hello->version = (uint16_t)number(&ext, 2);
        return !ext.bad && !ext.left;
    }
    return true;
}

static bool extensions(struct reader list, bool client, struct pf_hello *hello)
{
    uint32_t once = 0;

    while (list.left && !list.bad) {
        uint32_t type = number(&list, 2);
        struct reader ext = vector(&list, 2);
        uint32_t bit = type < 32 ? 1u << type : type == 41 || type == 43 ? 1u << (type - 31) : 0;

        if (ext.bad || (once & bit) || !extension(type, ext, client, hello))
            return false;
        once |= type == 0 || type == 16 || type == 41 || type == 43 ? bit : 0;
    }
    return !list.bad;
}

struct pf_hello pf_read_hello(const uint8_t *message, uint32_t len, bool client)
{
    /* SHA-256 of "HelloRetryRequest" in the random's place */
    static const uint8_t retry[32] =
        "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
        "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
    struct reader r = {message, len, false}, body, random, session;
    struct pf_hello hello = {.strict = false};

    hello.strict = number(&r, 1) == (client ? PF_CLIENT_HELLO : PF_SERVER_HELLO);
    body = vector(&r, 3);
    hello.version = (uint16_t)number(&body, 2);
    hello.strict &= hello.version >> 8 == 3 && len <= 0xffff;
    random = take(&body, 32);
    hello.retry = !client && random.left == 32 && !memcmp(random.p, retry, sizeof(retry));
    session = vector(&body, 1);
    hello.strict &= session.left <= 32;
    if (session.left && session.left <= 32) {
        memcpy(hello.session, session.p, session.left);
        hello.session_len = (uint8_t)session.left;
        hello.flags |= CS_HELLO_SESSION_ID;
    }
    if (client) {
        vector(&body, 2);
        vector(&body, 1);
    } else {
        hello.cipher = (uint16_t)number(&body, 2);
        number(&body, 1);
    }
    if (body.left && !body.bad)
        hello.strict &= extensions(vector(&body, 2), client, &hello);
    hello.strict &= !body.bad && !body.left && !r.bad && !r.left;
    for (uint32_t i = 0; i < hello.name_len; i++)
        if (!isalnum(hello.name[i]) && !memchr(".-_", hello.name[i], 3))
            hello.strict = false;
    return hello;
}

bool pf_name_watched(const struct pf_hello *hello)
{
    static const char *const services[] = {"sts", "sts-fips", "eks-auth", "eks-auth-fips"};
    static struct cs_watchlist list;
    char name[CS_HOST_NAME_MAX + 1];
    const struct cs_watch_suffix *suffix;
    size_t left;

    if (!list.suffix_count)
        cs_watchlist_init(&list);
    for (uint32_t i = 0; i < hello->name_len; i++)
        name[i] = (char)tolower(hello->name[i]);
    name[hello->name_len] = '\0';
    suffix = cs_watchlist_suffix(&list, name, &left);
    if (!suffix || suffix->rule == CS_SUFFIX_ANY)
        return suffix;
    name[left] = '\0';
    for (char *save, *label = strtok_r(name, ".", &save); label; label = strtok_r(NULL, ".", &save))
        for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
            if (!strcmp(label, services[i]))
                return true;
    return false;
}
