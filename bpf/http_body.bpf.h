/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* One byte behind a head: bodies, chunks (RFC 9112 7.1) and trailers. Nothing is kept. */
#ifndef CS_HTTP_BODY_BPF_H
#define CS_HTTP_BODY_BPF_H

#include "http_state.bpf.h"

static __always_inline void cs_boundary(cs_http *h)
{
    h->phase = CS_BOUNDARY;
}

static __always_inline void cs_chunk_start(cs_http *h)
{
    h->left = 0;
    h->count = 0;
    h->phase = CS_CHUNK_SIZE;
}

static __always_inline void cs_byte_chunk_size(cs_http *h, __u8 c)
{
    __u16 count = h->count;
    __u8 lower = c | 0x20, digit = 0xff;

    if (c >= '0' && c <= '9')
        digit = c - '0';
    else if (lower >= 'a' && lower <= 'f')
        digit = lower - 'a' + 10;
    if (digit < 16 && count < CS_CHUNK_DIGITS) {
        h->left = h->left * 16 + digit;
        h->count = count + 1;
    } else if (!count || digit < 16) {
        cs_http_fail(h, CS_GAP_FRAMING);
    } else if (c == '\n') {
        h->phase = h->left ? CS_CHUNK_DATA : CS_TRAILER_START;
    } else if (c == '\r' || c == ';' || c == ' ' || c == '\t') {
        h->phase = CS_CHUNK_EXTENSION;
    } else {
        cs_http_fail(h, CS_GAP_FRAMING);
    }
}

/* After a body byte, or many, have gone by. */
static __always_inline void cs_body_passed(cs_http *h, __u64 bytes)
{
    __u64 left = h->left - bytes;

    h->left = left;
    if (!left)
        h->phase = h->phase == CS_CHUNK_DATA ? CS_CHUNK_END : CS_BOUNDARY;
}

static __always_inline void cs_byte_body(cs_http *h, __u8 c)
{
    switch (h->phase) {
    case CS_BODY:
    case CS_CHUNK_DATA:
        cs_body_passed(h, 1);
        break;
    case CS_CHUNK_SIZE:
        cs_byte_chunk_size(h, c);
        break;
    case CS_CHUNK_EXTENSION:
        if (c == '\n')
            h->phase = h->left ? CS_CHUNK_DATA : CS_TRAILER_START;
        break;
    case CS_CHUNK_END:
        if (c == '\r')
            h->phase = CS_CHUNK_END_LF;
        else if (c == '\n')
            cs_chunk_start(h);
        else
            cs_http_fail(h, CS_GAP_FRAMING);
        break;
    case CS_CHUNK_END_LF:
        if (c == '\n')
            cs_chunk_start(h);
        else
            cs_http_fail(h, CS_GAP_FRAMING);
        break;
    case CS_TRAILER_START:
        h->phase = c == '\n' ? CS_BOUNDARY : c == '\r' ? CS_TRAILER_LF : CS_TRAILER;
        break;
    case CS_TRAILER:
        if (c == '\n')
            h->phase = CS_TRAILER_START;
        break;
    case CS_TRAILER_LF:
        if (c == '\n')
            cs_boundary(h);
        else
            cs_http_fail(h, CS_GAP_FRAMING);
        break;
    case CS_BODY_NONE:
        cs_http_fail(h, CS_GAP_FRAMING);
        break;
    }
}

/* Bytes that were not read and need not be: those of a body whose length is known. */
static __always_inline bool cs_http_skip(cs_http *h, __u32 bytes)
{
    __u8 phase = h->phase;

    if (phase == CS_BODY_CLOSE)
        return true;
    if ((phase != CS_BODY && phase != CS_CHUNK_DATA) || h->left < bytes)
        return false;
    cs_body_passed(h, bytes);
    return true;
}

#endif
