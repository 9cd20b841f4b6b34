/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What assembly makes of facts, and what every later stage (classify, attribute, record) reads:
 * one watched connection, and one exchange on it. Plain data; times are CLOCK_MONOTONIC
 * nanoseconds, 0 where the thing has not happened.
 */
#ifndef CS_CORE_EXCHANGE_H
#define CS_CORE_EXCHANGE_H

#include "core/mechanism.h"

#include <credscope/abi.h>
#include <stdbool.h>
#include <stdint.h>

#define CS_BURST_RECORDS_MAX 16 /* TLS record lengths kept per direction of an exchange */

struct cs_connection_id {
    uint64_t cookie;
    uint32_t generation;
    uint32_t pad; /* 0: the whole struct is a hash key */
};

/* One generation of one watched socket. */
struct cs_connection {
    struct cs_connection_id id;
    uint64_t cgroup_id; /* cgroup v2 id of the caller of connect(2) */
    uint32_t tgid;
    char comm[CS_COMM_LEN + 1];
    bool kernel_thread; /* cgroup_id and tgid are not the application's */

    uint8_t kind;   /* enum cs_watch_kind */
    uint8_t family; /* 4 or 6 */
    uint8_t daddr[16];
    uint16_t dport; /* as the caller asked for */
    uint8_t saddr[16];
    uint16_t sport; /* 0 until established */

    uint64_t connect_ns;
    uint64_t established_ns;
    uint64_t client_hello_ns;
    uint64_t tls_ready_ns; /* the client's handshake is complete: its Finished left (TLS 1.3), or
                              both sides' did (1.2); else 0 */

    char server_name[CS_HOST_NAME_MAX + 1]; /* SNI, lower case; "" when there is none */
    char authority[CS_HOST_NAME_MAX + 1];   /* CONNECT target; "" when there is none */
    uint16_t hello_flags;                   /* enum cs_hello_flags of the client */
    uint16_t tls_version;                   /* negotiated, 0 unknown */
    uint16_t tls_cipher;
    bool tls_resumed;

    uint8_t intercept_place; /* enum cs_intercept_place, 0 = not intercepted */
    uint8_t intercept_addr[16];
    uint16_t intercept_port;
    uint64_t intercept_cgroup_id; /* 0 = not known */

    /* A mesh's proxy took the connection and passes on what is asked, over one of its own
     * (core/exchange/assembler.h, cs_assembler_relay). What is said above of interception is then
     * said of that one. */
    uint8_t relay_addr[16]; /* where the proxy listens; port 0 no proxy, or not seen to listen */
    uint16_t relay_port;
    bool relay_answered;                  /* over the proxy's connection, by: */
    char relay_server[CS_SERVER_MAX + 1]; /* "" none; a proxy of HTTP writes its own name over it */
    struct cs_connection_id relay_of;     /* the proxy's own: what it passes on; cookie 0 nothing */
    bool relay_sure;                      /* relay_of is final: it is made, or can't be */
    bool relay_apart; /* … by requests of its own: what they meet is not said of the other */
};

/* Record lengths of one direction of a TLS exchange, type 23 only, in order. */
struct cs_burst {
    uint16_t count; /* records seen, may exceed CS_BURST_RECORDS_MAX */
    uint16_t lengths[CS_BURST_RECORDS_MAX];
    uint64_t bytes; /* sum over all records seen */
};

/* One request and what became of it. Connect failures are an exchange too (index 0, start =
 * connect). Strings are NUL-terminated, "" when not known; bytes that are not printable ASCII
 * were replaced by '?'. */
struct cs_exchange {
    const struct cs_connection *connection; /* valid during the call that hands it over */
    uint32_t index;                         /* on its connection, from 0 */
    uint64_t start_ns;                      /* first request byte; connect time if none was sent */
    uint64_t answer_ns;                     /* first byte of the response head, or TLS answer */
    uint64_t end_ns;                        /* when its fate was known */
    enum cs_outcome outcome;
    bool observed;       /* false: part of it was in a gap, outcome may be CS_OUTCOME_UNOBSERVED */
    bool connect_failed; /* nothing was ever sent: the connect itself failed */

    /* plaintext */
    uint16_t status; /* 0: none */
    uint16_t request_flags;
    uint64_t response_length; /* Content-Length; UINT64_MAX unknown */
    char method[16];
    char path[CS_REQUEST_LINE_MAX + 1]; /* target with the allowed part of the query */
    char user_agent[CS_USER_AGENT_MAX + 1];
    char server[CS_SERVER_MAX + 1];

    /* TLS; outcome is CS_OUTCOME_ANSWERED, or why there was no answer */
    bool multiplexed; /* HTTP/2: bursts may hold several requests, times are the first one's */
    struct cs_burst request_records;
    struct cs_burst response_records; /* the answer's: no tickets, no HTTP/2 control records */
};

/* Values of the label address_family: "ipv4" or "ipv6". */
const char *cs_family_name(uint8_t family);

/* Its waiting time in nanoseconds: start to answer, or to its end where none came. Never
 * negative. */
uint64_t cs_exchange_duration(const struct cs_exchange *exchange);

/* The peer is reached through an HTTP proxy's CONNECT. */
bool cs_connection_is_tunnel(const struct cs_connection *connection);

#define CS_ADDRESS_TEXT_MAX 56 /* "[" 45 "]:" 5 NUL */

/* "192.0.2.1:80", "[2001:db8::1]:80" (RFC 5952); to holds CS_ADDRESS_TEXT_MAX. */
void cs_address_format(char *to, const uint8_t addr[16], uint16_t port);

#endif
