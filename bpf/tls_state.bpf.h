/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the sensor remembers of one direction of a TLS connection. Zero = before the first record.
 */
#ifndef CS_TLS_STATE_BPF_H
#define CS_TLS_STATE_BPF_H

#include "compat.bpf.h"
#include <credscope/abi.h>

#define CS_TLS_FIELD_MAX 64 /* bytes of a hello read at a time; a longer field is read in parts */
#define CS_TLS_HELD_MAX  4  /* records of a ClientHello whose facts wait for the name */

/* Position in the hello being read: the field that `want` bytes are collected for. */
enum cs_tls_phase {
    CS_TLS_START = 0,
    CS_TLS_MESSAGE,     /* type, length */
    CS_TLS_FIXED,       /* legacy version, random, session id's length */
    CS_TLS_SESSION,     /* session id; then as far as 4 bytes behind it */
    CS_TLS_CIPHERS,     /* client: length of the list; server: the cipher, compression */
    CS_TLS_COMPRESSION, /* client: length of the list */
    CS_TLS_EXTENSIONS,  /* length of all */
    CS_TLS_EXTENSION,   /* type, length */
    CS_TLS_NAME_LIST,   /* server_name: list's length, name's type and length */
    CS_TLS_NAME,
    CS_TLS_ALPN_LENGTH,
    CS_TLS_ALPN,
    CS_TLS_VERSION, /* supported_versions: one of the client's, or the server's choice */
    CS_TLS_END,     /* the message is complete */
};

struct cs_tls_held {
    __u64 time_ns;
    __u32 length;
    __u32 pad;
};

/* The last 16 bytes of the label being looked at, as two words. */
struct cs_tls_label {
    __u64 high;
    __u64 low;
    __u32 len;
    __u32 watched; /* one of the labels so far is a watched service's */
};

struct cs_tls_dir {
    __u64 record_ns;      /* when the current record's first byte passed */
    __u64 hello_ns;       /* … the hello's */
    __u64 session;        /* the session id folded: enough to tell whether the server echoes it */
    __u32 record_left;    /* payload of the current record yet to come */
    __u32 length;         /* of the current record's payload */
    __u32 left;           /* of the hello, behind what skip, want and extension_left stand for */
    __u32 skip;           /* bytes of the hello to pass over before the field */
    __u32 want;           /* bytes of the field */
    __u32 have;           /* … collected */
    __u32 extension_left; /* of the extension being read, behind the field */
    __u32 rest;           /* of an ALPN name, behind what is compared */
    __u32 records;        /* record facts, sent or held */
    __u16 hello_length;
    __u16 flags; /* enum cs_hello_flags */
    __u16 sni_len;
    __u16 version; /* server's */
    __u16 cipher;
    __u8 header_have; /* bytes of a record header collected */
    __u8 content;     /* of the current record */
    __u8 due;         /* the current record's fact waits for its first byte */
    __u8 reading;     /* a hello has begun and not ended */
    __u8 done;        /* the hello has ended: there is no other */
    __u8 phase;       /* enum cs_tls_phase */
    __u8 ccs;         /* a ChangeCipherSpec has passed */
    __u8 matched;     /* egress: the name is watched, facts may be sent */
    __u8 retry;       /* server: this is a HelloRetryRequest */
    __u8 ech;         /* client: encrypted_client_hello is there, so the name may be a cover */
    __u8 header[8];
    __u8 field[2 * CS_TLS_FIELD_MAX]; /* twice, for the verifier: have + part stays below */
    struct cs_tls_label label;
    struct cs_tls_held held[CS_TLS_HELD_MAX];
    /* struct cs_fact_client_hello and the name; the end for the verifier, as above. */
    __u64 fact[(sizeof(struct cs_fact_client_hello) + CS_HOST_NAME_MAX + 1 + CS_TLS_FIELD_MAX) / 8];
    struct cs_suffix_key key;
    __u32 pad;
};

#endif
