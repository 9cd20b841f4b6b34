/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The ABI between the kernel half (bpf/) and user space: the facts that travel through the ring
 * buffer, and the configuration that user space writes before load.
 *
 * Every fact starts with struct cs_fact_header and is as long as header.size says; variable bytes
 * follow the fixed part of those facts whose comment says so. Integers are in host byte order,
 * ports included. Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d whatever the
 * socket's family. Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns).
 *
 * Secrets: no fact carries a byte of a header value other than User-Agent and Server, nor a body
 * byte; of a request target's query only allowed parameters are kept (bpf/http_start.bpf.h).
 */
#ifndef CREDSCOPE_ABI_H
#define CREDSCOPE_ABI_H

#include <linux/types.h>

#ifndef __cplusplus
#define CS_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " size")
#else
#define CS_ASSERT_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type " size")
#endif

/* Raised by any change of this header; user space refuses an object of another version. */
#define CS_ABI_VERSION 1

#define CS_REQUEST_LINE_MAX      256 /* bytes of "METHOD target VERSION" kept */
#define CS_USER_AGENT_MAX        128
#define CS_SERVER_MAX            64
#define CS_HOST_NAME_MAX         255 /* SNI, CONNECT authority: longest DNS name (RFC 1035 2.3.4) */
#define CS_COMM_LEN              16
#define CS_CGROUP_PATH_MAX       1024
#define CS_TLS_PORTS_MAX         8 /* 443 and --tls-port */
#define CS_PLAIN_PORTS_MAX       8 /* ports of watched plaintext addresses and proxies */
#define CS_PORTS_MAX             (CS_TLS_PORTS_MAX + CS_PLAIN_PORTS_MAX + 1) /* + the benchmark's port 0 */
#define CS_WATCHED_ADDRESSES_MAX 64
#define CS_SNI_SUFFIXES_MAX      128
#define CS_TOKEN_PATHS_MAX       32
#define CS_TOKEN_SUFFIX_MAX      128

/* What a socket is watched for; chosen at connect from the destination. */
enum cs_watch_kind {
    CS_WATCH_PLAIN = 1, /* HTTP/1.1 to a watched address and port */
    CS_WATCH_TLS = 2,   /* a TLS port: watched until the ClientHello's name says otherwise */
    CS_WATCH_PROXY = 3, /* --proxy-address: a CONNECT prologue may come before the hello */
};

enum cs_fact_type {
    CS_FACT_CONNECT = 1,
    CS_FACT_ESTABLISHED,
    CS_FACT_CONNECT_FAILED,
    CS_FACT_REQUEST,
    CS_FACT_RESPONSE,
    CS_FACT_TUNNEL,
    CS_FACT_CLIENT_HELLO,
    CS_FACT_SERVER_HELLO,
    CS_FACT_TLS_RECORD,
    CS_FACT_INTERCEPTED,
    CS_FACT_GAP,
    CS_FACT_CLOSE,
    CS_FACT_TOKEN_OPEN,
    CS_FACT_CGROUP_CREATED,
    CS_FACT_CGROUP_REMOVED,
    CS_FACT_TYPE_END, /* sentinel */
};

enum cs_direction {
    CS_DIR_EGRESS = 0,  /* client to server */
    CS_DIR_INGRESS = 1, /* server to client */
};

/*
 * seq counts the facts of one (cookie, generation) from 0, counting those that the ring had no
 * room for, so that a lost one shows as a jump. generation counts the connects of one socket.
 * Facts that belong to no socket have cookie, generation and seq 0.
 */
struct cs_fact_header {
    __u16 type; /* enum cs_fact_type */
    __u16 size; /* of the whole fact in bytes, header and variable bytes included */
    __u32 seq;
    __u64 time_ns;
    __u64 cookie; /* bpf_get_socket_cookie */
    __u32 generation;
    __u32 pad;
};
CS_ASSERT_SIZE(struct cs_fact_header, 32);

enum cs_connect_flags {
    CS_CONNECT_KTHREAD = 1 << 0, /* the caller is a kernel thread (io_uring SQPOLL): tgid and
                                    cgroup are not the application's */
    CS_CONNECT_MAPPED = 1 << 1,  /* AF_INET6 socket, IPv4-mapped destination */
};

/* connect(2) as the caller asked for it, before any translation, in the caller's context. For
 * CS_WATCH_TLS it is sent when the name has matched or the connect has failed; time_ns is that
 * of the connect all the same. Always the first fact of its (cookie, generation). */
struct cs_fact_connect {
    struct cs_fact_header header;
    __u64 cgroup_id; /* cgroup v2 id of the caller */
    __u32 tgid;      /* in the initial pid namespace */
    __u32 tid;
    __u8 daddr[16];
    __u16 dport;
    __u8 family; /* 4 or 6: the family of the packets, so 4 for a mapped destination */
    __u8 kind;   /* enum cs_watch_kind */
    __u8 flags;  /* enum cs_connect_flags */
    __u8 pad[3];
    __u8 comm[CS_COMM_LEN]; /* NUL-padded; may be unterminated */
};
CS_ASSERT_SIZE(struct cs_fact_connect, 88);

/* The handshake is complete: the socket's own view of both ends. */
struct cs_fact_established {
    struct cs_fact_header header;
    __u8 saddr[16];
    __u8 daddr[16];
    __u16 sport;
    __u16 dport;
    __u32 pad;
};
CS_ASSERT_SIZE(struct cs_fact_established, 72);

enum cs_connect_failure {
    CS_CONNECT_REFUSED = 1,    /* RST, or ICMP's "port unreachable" (REJECT), answered the SYN */
    CS_CONNECT_UNANSWERED = 2, /* the kernel gave up: no answer to any SYN */
    CS_CONNECT_NO_ROUTE = 3,   /* no SYN left the host: no route, no source address, …; or ICMP or
                                  a silent neighbour said that there is no way, or none allowed */
    CS_CONNECT_GIVEN_UP = 4,   /* the program closed the socket before an answer came */
};

struct cs_fact_connect_failed {
    struct cs_fact_header header;
    __u32 reason; /* enum cs_connect_failure */
    __u32 retransmits;
};
CS_ASSERT_SIZE(struct cs_fact_connect_failed, 40);

/* Presence bits of headers whose values never leave the kernel. */
enum cs_request_flags {
    CS_REQUEST_LINE_CUT = 1 << 0,       /* the line was longer than CS_REQUEST_LINE_MAX */
    CS_REQUEST_USER_AGENT_CUT = 1 << 1, /* likewise, CS_USER_AGENT_MAX */
    CS_REQUEST_QUERY_CUT = 1 << 2,      /* part of the target, such as a parameter, was left out */
    CS_REQUEST_AUTHORIZATION = 1 << 3,  /* Authorization: */
    CS_REQUEST_IMDS_TOKEN = 1 << 4,     /* X-aws-ec2-metadata-token: (IMDSv2) */
    CS_REQUEST_IMDS_TTL = 1 << 5,       /* X-aws-ec2-metadata-token-ttl-seconds: */
    CS_REQUEST_METADATA = 1 << 6,       /* Metadata: (Azure IMDS) */
    CS_REQUEST_CHUNKED = 1 << 7,        /* Transfer-Encoding: chunked */
};

/* One whole request head; line_len bytes of request line, then user_agent_len bytes follow. */
struct cs_fact_request {
    struct cs_fact_header header;
    __u64 first_byte_ns; /* when its first byte left */
    __u64 body_length;   /* Content-Length, 0 when absent or chunked */
    __u32 head_length;   /* bytes, blank line included */
    __u16 flags;         /* enum cs_request_flags */
    __u16 line_len;
    __u16 user_agent_len;
    __u16 pad[3];
    __u8 text[];
};
CS_ASSERT_SIZE(struct cs_fact_request, 64);

enum cs_response_flags {
    CS_RESPONSE_SERVER_CUT = 1 << 0,
    CS_RESPONSE_CHUNKED = 1 << 1,
    CS_RESPONSE_LENGTH = 1 << 2, /* Content-Length was present */
    CS_RESPONSE_CLOSE = 1 << 3,  /* neither: the body ends with the connection */
};

/* One response head, interim (1xx) ones included; server_len bytes of Server follow. */
struct cs_fact_response {
    struct cs_fact_header header;
    __u64 first_byte_ns;
    __u64 body_length;
    __u32 head_length;
    __u16 status; /* 100 … 999 */
    __u16 flags;  /* enum cs_response_flags */
    __u16 server_len;
    __u16 pad[3];
    __u8 text[];
};
CS_ASSERT_SIZE(struct cs_fact_response, 64);

/* A CONNECT prologue to a proxy; authority_len bytes of "host:port" follow. */
struct cs_fact_tunnel {
    struct cs_fact_header header;
    __u64 first_byte_ns;
    __u16 authority_len;
    __u16 pad[3];
    __u8 text[];
};
CS_ASSERT_SIZE(struct cs_fact_tunnel, 48);

enum cs_hello_flags {
    CS_HELLO_ALPN_H2 = 1 << 0,     /* the client offers h2 */
    CS_HELLO_ALPN_HTTP11 = 1 << 1, /* the client offers http/1.1 */
    CS_HELLO_PSK = 1 << 2,         /* client: pre_shared_key offered; server: accepted */
    CS_HELLO_RETRY = 1 << 3,       /* server: HelloRetryRequest (RFC 8446 4.1.4) */
    CS_HELLO_TLS13 = 1 << 4,       /* client: offers 1.3; server: chose it */
    CS_HELLO_SESSION_ID = 1 << 5,  /* client: a non-empty session id; server: echoed */
};

/* sni_len bytes of the server name follow, as sent. */
struct cs_fact_client_hello {
    struct cs_fact_header header;
    __u64 first_byte_ns;
    __u16 hello_length; /* bytes of the handshake message, records' headers excluded */
    __u16 flags;        /* enum cs_hello_flags */
    __u16 sni_len;
    __u16 pad;
    __u8 text[];
};
CS_ASSERT_SIZE(struct cs_fact_client_hello, 48);

struct cs_fact_server_hello {
    struct cs_fact_header header;
    __u16 version; /* negotiated: 0x0303, 0x0304 */
    __u16 cipher;
    __u16 flags; /* enum cs_hello_flags */
    __u16 pad;
};
CS_ASSERT_SIZE(struct cs_fact_server_hello, 40);

/* One TLS record's header (RFC 8446 5.1), sent when the header has been seen. time_ns is that of
 * the segment that carried the record's first byte. Records of both hellos are included. */
struct cs_fact_tls_record {
    struct cs_fact_header header;
    __u16 length;   /* of the record's payload, 0 … 16640 */
    __u8 direction; /* enum cs_direction */
    __u8 content;   /* 20 CCS, 21 alert, 22 handshake, 23 application data */
    __u8 handshake; /* content 22 in clear: the first message's type, else 0 */
    __u8 pad[3];
};
CS_ASSERT_SIZE(struct cs_fact_tls_record, 40);

enum cs_intercept_place {
    CS_INTERCEPT_NODE = 1, /* a passive socket of this node took the client's SYN */
    CS_INTERCEPT_POD = 2,  /* the client's own packets are addressed elsewhere (redirect in its
                              network namespace) */
};

/* The peer is not the one that was asked for: it listens at addr:port. */
struct cs_fact_intercepted {
    struct cs_fact_header header;
    __u64 cgroup_id; /* of the listener; 0 = not known (always for CS_INTERCEPT_POD) */
    __u8 addr[16];
    __u16 port;
    __u8 place; /* enum cs_intercept_place */
    __u8 pad[5];
};
CS_ASSERT_SIZE(struct cs_fact_intercepted, 64);

enum cs_gap_reason {
    CS_GAP_HOLE = 1,       /* bytes never seen: segment lost to us, or out of order too long */
    CS_GAP_MALFORMED = 2,  /* not HTTP/1.x or not TLS where it had to be */
    CS_GAP_HEAD_LIMIT = 3, /* a head longer than the sensor reads */
    CS_GAP_FRAMING = 4,    /* a body whose end can't be known (both lengths, bad chunk size) */
    CS_GAP_RECORDS = 5,    /* more TLS records than one connection may report */
    CS_GAP_UNREADABLE = 6, /* bpf_skb_load_bytes failed, or another program at connect sent the
                              socket to a port that isn't watched: then for both directions */
};

/* What follows in this direction was not sensed, until the next fact of that direction. */
struct cs_fact_gap {
    struct cs_fact_header header;
    __u32 bytes; /* missing, where known */
    __u8 direction;
    __u8 reason; /* enum cs_gap_reason */
    __u8 pad[2];
};
CS_ASSERT_SIZE(struct cs_fact_gap, 40);

enum cs_close_reason {
    CS_CLOSE_LOCAL = 1,  /* the client sent FIN or released the socket first */
    CS_CLOSE_REMOTE = 2, /* the peer's FIN came first */
    CS_CLOSE_RESET_BY_PEER = 3,
    CS_CLOSE_RESET_LOCAL = 4, /* the client aborted (linger 0, unread data) */
    CS_CLOSE_TIMEOUT = 5,     /* the kernel gave up on retransmits */
    CS_CLOSE_REUSED = 6,      /* the socket was connected again */
};

/* Always the last fact of its (cookie, generation), unless CONNECT_FAILED was. */
struct cs_fact_close {
    struct cs_fact_header header;
    __u64 bytes_sent; /* payload bytes seen by the sensor, each direction */
    __u64 bytes_received;
    __u32 retransmits;
    __u8 reason; /* enum cs_close_reason */
    __u8 pad[3];
};
CS_ASSERT_SIZE(struct cs_fact_close, 56);

/* A watched token file was opened. Belongs to no socket. */
struct cs_fact_token_open {
    struct cs_fact_header header;
    __u64 cgroup_id;
    __u32 tgid;
    __u32 tid;
    __u16 token; /* index of the matched entry of the token path table */
    __u16 pad[3];
    __u8 comm[CS_COMM_LEN];
};
CS_ASSERT_SIZE(struct cs_fact_token_open, 72);

/* A cgroup v2 directory appeared (or went: CS_FACT_CGROUP_REMOVED); path_len bytes follow, from
 * the hierarchy's true root, starting with '/'. A path longer than CS_CGROUP_PATH_MAX is cut at
 * its *end* and CS_CGROUP_PATH_CUT is set. */
enum cs_cgroup_flags { CS_CGROUP_PATH_CUT = 1 << 0 };

struct cs_fact_cgroup {
    struct cs_fact_header header;
    __u64 cgroup_id;
    __u32 level;
    __u16 flags;
    __u16 path_len;
    __u8 text[];
};
CS_ASSERT_SIZE(struct cs_fact_cgroup, 48);

#define CS_FACT_SIZE_MAX (sizeof(struct cs_fact_cgroup) + CS_CGROUP_PATH_MAX)

/* ---- what user space writes before load, or into maps before attach ---- */

/* Key of the watched-address map; the value is a __u32 enum cs_watch_kind (PLAIN or PROXY). */
struct cs_address_key {
    __u8 addr[16];
    __u16 port;
    __u16 pad;
};
CS_ASSERT_SIZE(struct cs_address_key, 20);

/*
 * Key of the SNI suffix trie (BPF_MAP_TYPE_LPM_TRIE): the name reversed and lower-cased, with a
 * '.' after its last label, so that "amazonaws.com" is "moc.swanozama." and matches at a label
 * boundary only. prefixlen is in bits. The value says how the rest of the name is to begin.
 */
struct cs_suffix_key {
    __u32 prefixlen;
    __u8 reversed[CS_HOST_NAME_MAX + 1];
};
CS_ASSERT_SIZE(struct cs_suffix_key, 260);

enum cs_suffix_rule {
    CS_SUFFIX_ANY = 1, /* every name at or under the suffix (Entra's hosts, --sts-host …) */
    CS_SUFFIX_AWS = 2, /* a label `sts`, `sts-fips`, `eks-auth` or `eks-auth-fips` is among the
                          labels left of the suffix */
};

/* One watched token file: matched as the end of the path. Names longer than ".." that begin with
 * it (the atomic writer's directories) are stepped over wherever they stand; text holds none.
 * Custom ones come from --token-path. */
struct cs_token_path {
    __u16 len;
    __u16 pad;
    __u8 text[CS_TOKEN_SUFFIX_MAX]; /* e.g. /eks.amazonaws.com/serviceaccount/token */
};
CS_ASSERT_SIZE(struct cs_token_path, 132);

/* The kernel half's read-only data, written before load. abi_version comes with the object. */
struct cs_sensor_constants {
    __u32 abi_version; /* CS_ABI_VERSION of the kernel half */
    __u32 port_count;
    __u32 ports[CS_PORTS_MAX]; /* all watched ports as skb->remote_port shows them: htonl(port) */
    __u32 tls_port_count;
    __u32 tls_ports[CS_TLS_PORTS_MAX]; /* host order */
    __u32 token_path_count;
    __u32 read_kernel; /* 0: lockdown forbids bpf_probe_read_kernel, so do without */
};
CS_ASSERT_SIZE(struct cs_sensor_constants, 120);

/* Counters the kernel half keeps in memory-mapped global data; each only grows. */
struct cs_sensor_stats {
    __u64 facts[CS_FACT_TYPE_END];   /* sent, by type */
    __u64 dropped[CS_FACT_TYPE_END]; /* not sent: the ring was full */
    __u64 watched;                   /* connections for which a CONNECT fact was due */
    __u64 tls_unwatched;             /* TLS sockets let go because their name is not watched */
    __u64 tls_no_name;               /* … because their hello had no (or an encrypted) name */
    __u64 storage_failed;            /* no memory for a socket's state: the connection is unseen */
    __u64 clients_added;             /* open clients remembered, and forgotten again */
    __u64 clients_removed;
    __u64 intercept_failed;   /* no room to remember an open client: interception may be missed */
    __u64 token_unreadable;   /* an open's path could not be read */
    __u64 reconnects;         /* stale state of a reused socket was reset */
    __u64 packets_unreadable; /* headers of a watched packet could not be read: it is a hole */
};

#endif
