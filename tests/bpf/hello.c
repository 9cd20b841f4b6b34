// SPDX-License-Identifier: Apache-2.0
#include "hello.h"

#include "harness.h"

#include <string.h>

#define RECORD_HEADER  5
#define FILLER_TYPE    0x6a6a /* GREASE, RFC 8701: every client must be prepared for such */
#define VERSIONS_SIZE  11
#define ALPN_H2_SIZE   3
#define ALPN_HTTP_SIZE 9

static void put(struct hello *hello, const void *data, size_t len)
{
    assert_true(hello->len + len <= HELLO_MAX);
    memcpy(hello->bytes + hello->len, data, len);
    hello->len += len;
}

static void put_u8(struct hello *hello, unsigned int value)
{
    put(hello, (uint8_t[]){value & 255}, 1);
}

static void put_u16(struct hello *hello, unsigned int value)
{
    put(hello, (uint8_t[]){value >> 8 & 255, value & 255}, 2);
}

static void put_fill(struct hello *hello, size_t len)
{
    for (size_t i = 0; i < len; i++)
        put_u8(hello, 0xa5 ^ (unsigned int)(i * 7));
}

static void set_u16(struct hello *hello, size_t at, size_t value)
{
    hello->bytes[at] = value >> 8 & 255;
    hello->bytes[at + 1] = value & 255;
}

/* `count` extensions that take exactly `room` bytes. */
static void put_fillers(struct hello *hello, int count, int room)
{
    for (; count > 0; count--) {
        int share = count == 1 ? room : room / count;

        assert_true(share >= 4);
        put_u16(hello, FILLER_TYPE);
        put_u16(hello, share - 4);
        put_fill(hello, share - 4);
        room -= share;
    }
}

static void put_name(struct hello *hello, const char *name)
{
    size_t len = strlen(name);

    put_u16(hello, 0);
    put_u16(hello, len + 5);
    put_u16(hello, len + 3);
    put_u8(hello, 0);
    put_u16(hello, len);
    put(hello, name, len);
}

static int alpn_size(enum hello_alpn alpn)
{
    return alpn == ALPN_NONE ? 0 : 6 + ALPN_HTTP_SIZE + (alpn == ALPN_BOTH ? ALPN_H2_SIZE : 0);
}

static void put_alpn(struct hello *hello, enum hello_alpn alpn)
{
    int list = alpn_size(alpn) - 6;

    if (alpn == ALPN_NONE)
        return;
    put_u16(hello, 16);
    put_u16(hello, list + 2);
    put_u16(hello, list);
    if (alpn == ALPN_BOTH)
        put(hello, "\x02h2", ALPN_H2_SIZE);
    put(hello, "\x08http/1.1", ALPN_HTTP_SIZE);
}

static void put_known(struct hello *hello, const struct hello_shape *shape)
{
    put_alpn(hello, shape->alpn);
    if (shape->tls13)
        put(hello, "\x00\x2b\x00\x07\x06\x6a\x6a\x03\x04\x03\x03", VERSIONS_SIZE);
    if (shape->ech)
        put(hello, "\xfe\x0d\x00\x04\x00\x01\x02\x03", 8);
}

static int known_size(const struct hello_shape *shape)
{
    return alpn_size(shape->alpn) + (shape->tls13 ? VERSIONS_SIZE : 0) + (shape->ech ? 8 : 0);
}

static int psk_size(const struct hello_shape *shape)
{
    return shape->psk ? 12 : 0;
}

/* Up to where extensions begin. The cipher list makes up for the place of the first. */
static void put_start(struct hello *hello, const struct hello_shape *shape)
{
    int base = RECORD_HEADER + 4 + 2 + 32 + 1 + shape->session_id + 2 + 2 + 2;
    int ciphers = shape->name_at && !shape->before ? shape->name_at - base : 26;

    assert_true(ciphers >= 2);
    put(hello, "\x16\x03\x01\x00\x00\x01\x00\x00\x00\x03\x03", 11);
    put_fill(hello, 32);
    put_u8(hello, shape->session_id);
    put_fill(hello, shape->session_id);
    put_u16(hello, ciphers);
    put_fill(hello, ciphers);
    put_u16(hello, 0x0100);
}

void hello_build(struct hello *hello, const struct hello_shape *shape, const char *name)
{
    size_t extensions;
    int room, rest;
    bool late;

    hello->len = 0;
    put_start(hello, shape);
    extensions = hello->len;
    if (!shape->no_extensions) {
        put_u16(hello, 0);
        rest = shape->size - (shape->name_at + 9 + (int)strlen(name)) - psk_size(shape);
        late = shape->size && rest < known_size(shape) + 4;
        if (late)
            put_known(hello, shape);
        room = shape->name_at ? shape->name_at - (int)hello->len : 8 * shape->before;
        put_fillers(hello, shape->before, room);
        if (!shape->no_name)
            put_name(hello, name);
        if (!late)
            put_known(hello, shape);
        rest = shape->size - psk_size(shape) - (int)hello->len;
        if (shape->size && rest)
            put_fillers(hello, 1, rest);
        if (shape->psk)
            put(hello, "\x00\x29\x00\x08\x00\x02\x61\x62\x00\x02\x63\x64", 12);
        set_u16(hello, extensions, hello->len - extensions - 2);
    }
    set_u16(hello, 3, hello->len - RECORD_HEADER);
    set_u16(hello, 7, hello->len - RECORD_HEADER - 4);
    if (shape->size)
        assert_int_equal(hello->len, shape->size);
}

void hello_split(const struct hello *hello, size_t part, struct hello *split)
{
    split->len = 0;
    for (size_t at = RECORD_HEADER; at < hello->len; at += part) {
        size_t len = hello->len - at < part ? hello->len - at : part;

        put(split, "\x16\x03\x01", 3);
        put_u16(split, len);
        put(split, hello->bytes + at, len);
    }
}

void hello_record(struct hello *to, uint8_t content, size_t length, uint8_t fill)
{
    put_u8(to, content);
    put_u16(to, 0x0303);
    put_u16(to, length);
    for (size_t i = 0; i < length; i++)
        put_u8(to, fill);
}
