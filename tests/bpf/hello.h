/* SPDX-License-Identifier: Apache-2.0 */
/* TLS bytes made by hand: ClientHellos of any shape, records cut as wanted (RFC 8446 4.1.2, 5.1).
 */
#ifndef CS_TESTS_HELLO_H
#define CS_TESTS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_MAX 4096

struct hello {
    size_t len;
    uint8_t bytes[HELLO_MAX];
};

enum hello_alpn { ALPN_NONE, ALPN_HTTP11, ALPN_BOTH };

struct hello_shape {
    const char *client;
    int size;       /* whole, record header included; 0: as long as it comes */
    int name_at;    /* offset of the server_name extension; 0: the first extension */
    int before;     /* extensions before it that aren't looked at; they fill the room */
    int session_id; /* bytes */
    enum hello_alpn alpn;
    bool tls13; /* supported_versions with GREASE, 1.3, 1.2 */
    bool psk;
    bool ech;
    bool no_name; /* no server_name extension */
    bool no_extensions;
};

/* A whole ClientHello in one record; fails the test when the shape can't be. */
void hello_build(struct hello *hello, const struct hello_shape *shape, const char *name);

/* The message of a hello in records of at most `part` payload bytes. */
void hello_split(const struct hello *hello, size_t part, struct hello *split);

/* Append a record of length payload bytes `fill`. */
void hello_record(struct hello *to, uint8_t content, size_t length, uint8_t fill);

#endif
