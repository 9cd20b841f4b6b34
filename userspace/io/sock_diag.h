/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts TCP sockets by their remote end (sock_diag(7)), to say how many connections are older
 * than the sensor and thus not seen.
 *
 * Limit: the kernel shows the sockets of the caller's network namespace only. With hostNetwork
 * those are the node's own and those of hostNetwork pods, without it credscope's pod's. Pods in
 * namespaces of their own are not counted; the figure is a lower bound.
 */
#ifndef CS_IO_SOCK_DIAG_H
#define CS_IO_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_sock_peer {
    uint8_t addr[16]; /* network order, IPv4 as ::ffff:a.b.c.d; all zero: any address */
    uint16_t port;    /* host order */
};

/*
 * Count the sockets in state SYN_SENT or ESTABLISHED whose peer is in peers; counts[i] is the
 * number for peers[i] (a socket counts for every peer that it matches). *truncated: the dump was
 * interrupted or over 2 s, counts are a lower bound. 0, or -errno with counts unchanged.
 */
int cs_sock_diag_count(const struct cs_sock_peer *peers, size_t n, uint32_t *counts,
                       bool *truncated);

#endif
