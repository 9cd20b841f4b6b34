/* SPDX-License-Identifier: Apache-2.0 */
/* One hello message, read whole (RFC 8446 4.1.2, 4.1.3; RFC 6066 3; RFC 7301 3.1). Pure. */
#ifndef PF_REFERENCE_HELLO_H
#define PF_REFERENCE_HELLO_H

#include "reference.h"

#define PF_CLIENT_HELLO 1
#define PF_SERVER_HELLO 2

struct pf_hello {
    bool strict; /* every length fits, nothing is said twice, the name is one */
    bool retry;  /* server */
    uint8_t session[32];
    uint8_t session_len;
    uint16_t version, cipher; /* server */
    uint16_t flags;           /* enum cs_hello_flags */
    uint16_t name_len;
    uint8_t name[CS_HOST_NAME_MAX];
};

/* message: len bytes, its 4-byte header included. */
struct pf_hello pf_read_hello(const uint8_t *message, uint32_t len, bool client);

/* By the built-in watch list. */
bool pf_name_watched(const struct pf_hello *hello);

#endif
