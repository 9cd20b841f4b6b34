/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What the sensor remembers of one watched socket: the value of the sk_storage map.
 *
 * Everything a packet program needs while it works is here too (segment, window), and not in a
 * per-CPU map: egress runs in process context, where a softirq, and on kernels with full
 * preemption another task, can run the same program on the same CPU half-way.
 *
 * Concurrency: the fields of struct cs_dir belong to whoever holds dir->busy (cs_dir_enter);
 * egress and ingress of one socket do run at the same time. Outside cs_dir only words that one
 * side writes and the other reads are shared.
 *
 * Secrets: only vetted bytes are kept beyond the call that saw them; window is wiped on return.
 */
#ifndef CS_STATE_BPF_H
#define CS_STATE_BPF_H

#include "compat.bpf.h"
#include <credscope/abi.h>

#if __has_include("tls_state.bpf.h")
#include "tls_state.bpf.h"
#else
struct cs_tls_dir {
    __u64 none;
};
#endif

#define CS_WINDOW_SIZE 256 /* bytes a scanner may load at a time */
#define CS_EARLY_MAX   4   /* ranges that arrived before their turn */

/* The in-order payload that a scanner is to work on, set by the dispatcher before the call. */
struct cs_segment {
    __u64 time_ns; /* when the skb passed */
    __u32 offset;  /* of the first unread byte in the skb, for bpf_skb_load_bytes */
    __u32 len;     /* unread bytes from there; scanners advance both */
};

enum cs_dir_mode {
    CS_MODE_HTTP = 0,
    CS_MODE_TLS = 1,
    CS_MODE_IGNORE = 2, /* lost for good (a gap said so) or no longer of interest */
};

/* HTTP framing of one direction. Zero = at a boundary, before a head. */
struct cs_http_dir {
    __u64 first_byte_ns;
    __u64 length; /* Content-Length */
    __u64 left;   /* bytes left of a body or chunk */
    __u64 hash;   /* FNV-1a of the token being read */
    __u32 head_length;
    __u16 count;     /* digits or bytes of the token being read */
    __u16 mark;      /* text length to go back to where userinfo or a bare parameter is cut */
    __u16 line_len;  /* of text */
    __u16 value_len; /* User-Agent or Server, behind the line in text */
    __u16 status;
    __u16 flags;   /* enum cs_request_flags or cs_response_flags */
    __u8 phase;    /* enum cs_http_phase */
    __u8 header;   /* enum cs_http_header whose value is being read */
    __u8 previous; /* byte before, in a target */
    __u8 seen;     /* enum cs_http_seen */
    __u8 method;   /* enum cs_http_method */
    __u8 error;    /* enum cs_gap_reason, once a scan has failed */
    __u8 stale;    /* text was taken back: what is behind it is to be wiped */
    __u8 pad;
    /* The fact being put together: struct cs_fact_request, _response or _tunnel and its text. */
    __u64 fact[(sizeof(struct cs_fact_request) + CS_REQUEST_LINE_MAX + CS_USER_AGENT_MAX) / 8];
};

/* A half-open range of sequence numbers; empty when equal. */
struct cs_range {
    __u32 start;
    __u32 end;
};

struct cs_dir {
    struct cs_segment segment;
    __u64 bytes;  /* payload, duplicates not counted */
    __u32 next;   /* sequence number of the next byte in order */
    __u8 started; /* next is valid: the SYN has been seen */
    __u8 busy;
    __u8 mode; /* enum cs_dir_mode */
    __u8 fin;  /* FIN seen */
    struct cs_range early[CS_EARLY_MAX];
    union {
        struct cs_http_dir http;
        struct cs_tls_dir tls;
    };
    __u8 window[CS_WINDOW_SIZE];
};

/* Key of the map of open watched clients, as the other end of the connection sees them. */
struct cs_client_key {
    __u8 addr[16];
    __u32 first; /* initial sequence number + 1 */
    __u16 port;
    __u16 pad;
};

struct cs_socket {
    struct bpf_spin_lock lock;
    __u32 seq;      /* of the next fact */
    __u32 emitting; /* a fact is on its way to the ring */
    __u32 retransmits;
    __u32 requests; /* heads seen; written by egress only */
    __u32 answers;  /* final response heads seen; written by ingress only */
    /* Bytes and not bits, since different contexts set them: 5.10 has no atomic OR. */
    __u8 announced;  /* the CONNECT fact has been sent */
    __u8 ended;      /* CLOSE or CONNECT_FAILED sent: no more facts */
    __u8 syn_sent;   /* the kernel got as far as sending a SYN */
    __u8 connected;  /* the handshake is complete: established is filled */
    __u8 local_fin;  /* the client sent FIN */
    __u8 client;     /* client_key is in the map of open clients */
    __u8 redirected; /* intercepted is filled: in-pod redirect */
    __u8 tunnel;     /* the proxy said 2xx to CONNECT: TLS from here */
    __u8 released;   /* the program let go of it, and its FIN or RST is about to tell how */
    __u8 pad[7];
    __u64 head_mask;                /* bit n & 63: request n was HEAD */
    __u64 connect_mask;             /* … CONNECT */
    __u64 quiet_mask;               /* … not ours: a proxied request to another host */
    struct cs_fact_connect connect; /* the fact, and the identity that all others carry */
    struct cs_fact_established established;
    struct cs_fact_intercepted intercepted;
    struct cs_client_key client_key;
    struct cs_dir dir[2]; /* by enum cs_direction */
};

#endif
