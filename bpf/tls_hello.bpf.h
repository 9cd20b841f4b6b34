/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The two hellos (RFC 8446 4.1.2, 4.1.3), field by field: each function is called when the field
 * of tls->phase is complete in tls->field, and says which comes next. A field may be cut across
 * segments and records anywhere; extensions come in any order; what is not needed is passed over.
 */
#ifndef CS_TLS_HELLO_BPF_H
#define CS_TLS_HELLO_BPF_H

#include "tls_name.bpf.h"

enum cs_tls_step {
    CS_TLS_ON = 0,
    CS_TLS_COMPLETE = 1,  /* the message has ended */
    CS_TLS_MALFORMED = 2, /* it is not a hello */
};

#define CS_TLS_CLIENT_HELLO   1
#define CS_TLS_SERVER_HELLO   2
#define CS_TLS_SESSION_ID_MAX 32

enum cs_tls_extension {
    CS_TLS_EXT_SERVER_NAME = 0,         /* RFC 6066 */
    CS_TLS_EXT_ALPN = 16,               /* RFC 7301 */
    CS_TLS_EXT_PRE_SHARED_KEY = 41,     /* RFC 8446 4.2.11 */
    CS_TLS_EXT_SUPPORTED_VERSIONS = 43, /* RFC 8446 4.2.1 */
    CS_TLS_EXT_ECH = 0xfe0d,            /* RFC 9849 */
};

static __always_inline __u32 cs_tls_u16(const __u8 *at)
{
    return (__u32)at[0] << 8 | at[1];
}

/* The next field of the message: `want` bytes after passing over `skip`. */
static __always_inline int cs_tls_next(struct cs_tls_dir *tls, __u32 skip, __u32 want, __u8 phase)
{
    if (skip + want > tls->left)
        return CS_TLS_MALFORMED;
    tls->left -= skip + want;
    tls->skip = skip;
    tls->want = want;
    tls->have = 0;
    tls->phase = phase;
    return CS_TLS_ON;
}

/* The next field within the extension. */
static __always_inline int cs_tls_inside(struct cs_tls_dir *tls, __u32 skip, __u32 want, __u8 phase)
{
    if (skip + want > tls->extension_left)
        return CS_TLS_MALFORMED;
    tls->extension_left -= skip + want;
    tls->skip = skip;
    tls->want = want;
    tls->have = 0;
    tls->phase = phase;
    return CS_TLS_ON;
}

/* Over the rest of this extension to the next, or to the end. */
static __always_inline int cs_tls_next_extension(struct cs_tls_dir *tls)
{
    __u32 last = tls->left == 0;
    int step = cs_tls_next(tls, 0, last ? 0 : 4, last ? CS_TLS_END : CS_TLS_EXTENSION);

    tls->skip = tls->extension_left;
    tls->extension_left = 0;
    return step;
}

/* type, length of the message */
static __always_inline int cs_tls_message(struct cs_tls_dir *tls, __u32 type)
{
    const __u8 *field = tls->field;

    if (field[0] != type || field[1])
        return CS_TLS_MALFORMED;
    tls->left = cs_tls_u16(field + 2);
    tls->hello_length = tls->left + 4;
    if (tls->left + 4 > 0xffff)
        return CS_TLS_MALFORMED;
    return cs_tls_next(tls, 0, 35, CS_TLS_FIXED);
}

/* SHA-256 of "HelloRetryRequest", in the place of the random (RFC 8446 4.1.3). */
static __always_inline bool cs_tls_is_retry(const __u8 *random)
{
    static const __u8 fixed[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                   0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                   0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    __u32 differ = 0;

#pragma unroll
    for (int i = 0; i < 32; i++)
        differ |= random[i] ^ fixed[i];
    return !differ;
}

/* Of the session id no more than a word at a time is kept, and that only until it is whole. */
static __always_inline int cs_tls_session_part(struct cs_tls_dir *tls)
{
    __u32 part = tls->rest < 8 ? tls->rest : 8;

    tls->rest -= part;
    return cs_tls_next(tls, 0, part, CS_TLS_SESSION);
}

/* field is zero behind the part. True when the session id is complete. */
static __always_inline bool cs_tls_session(struct cs_tls_dir *tls)
{
    tls->session ^= *(const __u64 *)tls->field;
    __builtin_memset(tls->field, 0, sizeof(tls->field));
    return !tls->rest;
}

/* legacy version, random, length of the session id */
static __always_inline int cs_tls_fixed(struct cs_tls_dir *tls)
{
    __u32 session = tls->field[34];

    if (tls->field[0] != 3 || session > CS_TLS_SESSION_ID_MAX)
        return CS_TLS_MALFORMED;
    tls->version = cs_tls_u16(tls->field);
    tls->retry = cs_tls_is_retry(tls->field + 2);
    if (session)
        tls->flags |= CS_HELLO_SESSION_ID;
    __builtin_memset(tls->field, 0, sizeof(tls->field));
    tls->session = 0;
    tls->rest = session;
    return cs_tls_session_part(tls);
}

/* length of all extensions, which are the rest of the message */
static __always_inline int cs_tls_extensions(struct cs_tls_dir *tls)
{
    if (cs_tls_u16(tls->field) != tls->left)
        return CS_TLS_MALFORMED;
    return cs_tls_next_extension(tls);
}

static __always_inline int cs_tls_client_extension(struct cs_tls_dir *tls)
{
    __u32 type = cs_tls_u16(tls->field);
    __u32 len = cs_tls_u16(tls->field + 2);

    if (len > tls->left)
        return CS_TLS_MALFORMED;
    tls->left -= len;
    tls->extension_left = len;
    switch (type) {
    case CS_TLS_EXT_SERVER_NAME:
        if (len >= 5)
            return cs_tls_inside(tls, 0, 5, CS_TLS_NAME_LIST);
        break;
    case CS_TLS_EXT_ALPN:
        if (len >= 3)
            return cs_tls_inside(tls, 2, 1, CS_TLS_ALPN_LENGTH);
        break;
    case CS_TLS_EXT_SUPPORTED_VERSIONS:
        if (len >= 3)
            return cs_tls_inside(tls, 1, 2, CS_TLS_VERSION);
        break;
    case CS_TLS_EXT_PRE_SHARED_KEY:
        tls->flags |= CS_HELLO_PSK;
        break;
    case CS_TLS_EXT_ECH:
        tls->ech = 1;
        break;
    }
    return cs_tls_next_extension(tls);
}

/* The list may hold one name of type host_name, and no client sends another (RFC 6066 3). */
static __always_inline int cs_tls_name_list(struct cs_tls_dir *tls)
{
    __u32 len = cs_tls_u16(tls->field + 3);

    if (tls->field[2] != 0 || len == 0 || len > CS_HOST_NAME_MAX)
        return cs_tls_next_extension(tls);
    tls->sni_len = len;
    return cs_tls_inside(tls, 0, len, CS_TLS_NAME);
}

static __always_inline int cs_tls_alpn_length(struct cs_tls_dir *tls)
{
    __u32 len = tls->field[0];
    __u32 part = len < 8 ? len : 8;

    tls->rest = len - part;
    return cs_tls_inside(tls, 0, part, CS_TLS_ALPN);
}

static __always_inline int cs_tls_alpn(struct cs_tls_dir *tls)
{
    const __u8 *f = tls->field;

    if (tls->want == 2 && f[0] == 'h' && f[1] == '2')
        tls->flags |= CS_HELLO_ALPN_H2;
    if (tls->want == 8 && !tls->rest && f[0] == 'h' && f[1] == 't' && f[2] == 't' && f[3] == 'p' &&
        f[4] == '/' && f[5] == '1' && f[6] == '.' && f[7] == '1')
        tls->flags |= CS_HELLO_ALPN_HTTP11;
    if (tls->extension_left <= tls->rest)
        return cs_tls_next_extension(tls);
    return cs_tls_inside(tls, tls->rest, 1, CS_TLS_ALPN_LENGTH);
}

static __always_inline int cs_tls_client_version(struct cs_tls_dir *tls)
{
    if (cs_tls_u16(tls->field) == 0x0304)
        tls->flags |= CS_HELLO_TLS13;
    if (tls->extension_left < 2)
        return cs_tls_next_extension(tls);
    return cs_tls_inside(tls, 0, 2, CS_TLS_VERSION);
}

static __always_inline int cs_tls_client_field(struct cs_tls_dir *tls)
{
    switch (tls->phase) {
    case CS_TLS_START:
        tls->left = 4;
        return cs_tls_next(tls, 0, 4, CS_TLS_MESSAGE);
    case CS_TLS_MESSAGE:
        return cs_tls_message(tls, CS_TLS_CLIENT_HELLO);
    case CS_TLS_FIXED:
        return cs_tls_fixed(tls);
    case CS_TLS_SESSION:
        if (!cs_tls_session(tls))
            return cs_tls_session_part(tls);
        return cs_tls_next(tls, 0, 2, CS_TLS_CIPHERS);
    case CS_TLS_CIPHERS:
        return cs_tls_next(tls, cs_tls_u16(tls->field), 1, CS_TLS_COMPRESSION);
    case CS_TLS_COMPRESSION:
        if (tls->left == tls->field[0]) /* TLS 1.2 without extensions */
            return cs_tls_next(tls, tls->field[0], 0, CS_TLS_END);
        return cs_tls_next(tls, tls->field[0], 2, CS_TLS_EXTENSIONS);
    case CS_TLS_EXTENSIONS:
        return cs_tls_extensions(tls);
    case CS_TLS_EXTENSION:
        return cs_tls_client_extension(tls);
    case CS_TLS_NAME_LIST:
        return cs_tls_name_list(tls);
    case CS_TLS_NAME:
        return cs_tls_next_extension(tls);
    case CS_TLS_ALPN_LENGTH:
        return cs_tls_alpn_length(tls);
    case CS_TLS_ALPN:
        return cs_tls_alpn(tls);
    case CS_TLS_VERSION:
        return cs_tls_client_version(tls);
    }
    return CS_TLS_COMPLETE;
}

static __always_inline int cs_tls_server_extension(struct cs_tls_dir *tls)
{
    __u32 type = cs_tls_u16(tls->field);
    __u32 len = cs_tls_u16(tls->field + 2);

    if (len > tls->left)
        return CS_TLS_MALFORMED;
    tls->left -= len;
    tls->extension_left = len;
    if (type == CS_TLS_EXT_SUPPORTED_VERSIONS && len == 2)
        return cs_tls_inside(tls, 0, 2, CS_TLS_VERSION);
    if (type == CS_TLS_EXT_PRE_SHARED_KEY)
        tls->flags |= CS_HELLO_PSK;
    return cs_tls_next_extension(tls);
}

static __always_inline int cs_tls_server_field(struct cs_tls_dir *tls)
{
    switch (tls->phase) {
    case CS_TLS_START:
        tls->left = 4;
        return cs_tls_next(tls, 0, 4, CS_TLS_MESSAGE);
    case CS_TLS_MESSAGE:
        return cs_tls_message(tls, CS_TLS_SERVER_HELLO);
    case CS_TLS_FIXED:
        return cs_tls_fixed(tls);
    case CS_TLS_SESSION:
        if (!cs_tls_session(tls))
            return cs_tls_session_part(tls);
        return cs_tls_next(tls, 0, 3, CS_TLS_CIPHERS);
    case CS_TLS_CIPHERS:
        tls->cipher = cs_tls_u16(tls->field);
        if (tls->left == 0)
            return cs_tls_next(tls, 0, 0, CS_TLS_END);
        return cs_tls_next(tls, 0, 2, CS_TLS_EXTENSIONS);
    case CS_TLS_EXTENSIONS:
        return cs_tls_extensions(tls);
    case CS_TLS_EXTENSION:
        return cs_tls_server_extension(tls);
    case CS_TLS_VERSION:
        tls->version = cs_tls_u16(tls->field);
        return cs_tls_next_extension(tls);
    }
    return CS_TLS_COMPLETE;
}

#endif
