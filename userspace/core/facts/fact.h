/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes one fact of the ring buffer (include/credscope/abi.h) into a view that needs no further
 * checking: sizes agree with the type, lengths with the size, every enum is in range, text is
 * clean. Trusts nothing: the bytes may be any. Pure; owns no memory.
 */
#ifndef CS_CORE_FACT_H
#define CS_CORE_FACT_H

#include <credscope/abi.h>
#include <stddef.h>

/* Why a fact was refused; the caller counts by it. */
enum cs_fact_error {
    CS_FACT_OK = 0,
    CS_FACT_ERROR_SHORT,  /* fewer bytes than a header, or than header.size says */
    CS_FACT_ERROR_TYPE,   /* no such enum cs_fact_type */
    CS_FACT_ERROR_SIZE,   /* header.size does not hold the type's fixed part and its text */
    CS_FACT_ERROR_LENGTH, /* a text is longer than the ABI allows */
    CS_FACT_ERROR_VALUE,  /* an enum or number outside its range */
    CS_FACT_ERROR_SOCKET, /* a socket's fact without cookie */
    CS_FACT_ERROR_END,
};

/* Label value of a self metric: "short", "type" …; "ok" for CS_FACT_OK. */
const char *cs_fact_error_name(enum cs_fact_error error);

/* Label value of a fact type: "connect" … "cgroup_removed"; "invalid" for no type. */
const char *cs_fact_type_name(unsigned int type);

#define CS_FACT_TEXT_MAX CS_CGROUP_PATH_MAX

/*
 * One decoded fact, self-contained (it does not point into the ring). Which member of the union
 * holds is told by header.type. text is the fact's variable part, NUL-terminated: request line,
 * Server, authority, SNI, cgroup path. In it bytes below 0x20 and 0x7f became '?'; except in a
 * cgroup path (any bytes a directory can have) so did those above 0x7f. A request's User-Agent
 * stands behind the line: cs_fact_user_agent. comm arrays inside the union are as sent: use
 * cs_fact_comm_copy.
 */
struct cs_fact {
    char text[CS_FACT_TEXT_MAX + 2];
    union {
        struct cs_fact_header header;
        struct cs_fact_connect connect;
        struct cs_fact_established established;
        struct cs_fact_connect_failed connect_failed;
        struct cs_fact_request request;
        struct cs_fact_response response;
        struct cs_fact_tunnel tunnel;
        struct cs_fact_client_hello client_hello;
        struct cs_fact_server_hello server_hello;
        struct cs_fact_tls_record tls_record;
        struct cs_fact_intercepted intercepted;
        struct cs_fact_gap gap;
        struct cs_fact_close close;
        struct cs_fact_token_open token_open;
        struct cs_fact_cgroup cgroup; /* created and removed */
    };
};

/* Of a CS_FACT_REQUEST only. */
static inline const char *cs_fact_user_agent(const struct cs_fact *fact)
{
    return fact->text + fact->request.line_len + 1;
}

/*
 * Decode the fact at data. size is what is readable there and may exceed header.size; nothing
 * beyond it is read. header.size may exceed what the lengths need by up to 7 bytes of padding.
 * fact is defined only when CS_FACT_OK is returned.
 */
enum cs_fact_error cs_fact_decode(const void *data, size_t size, struct cs_fact *fact);

/* True for the types whose header names a socket. */
int cs_fact_is_of_socket(unsigned int type);

/* Copy a kernel comm (NUL-padded, perhaps unterminated) as clean text; to holds CS_COMM_LEN + 1. */
void cs_fact_comm_copy(char *to, const __u8 *comm);

#endif
