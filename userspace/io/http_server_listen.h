/* SPDX-License-Identifier: Apache-2.0 */
/* A listening TCP socket. */
#ifndef CS_IO_HTTP_SERVER_LISTEN_H
#define CS_IO_HTTP_SERVER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Listen on an IPv4 or IPv6 address, non-blocking and close-on-exec. any: the address is [::] and
 * serves IPv4 too; where the machine has no IPv6, 0.0.0.0 with the same port is used.
 * The descriptor, or -errno: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES (a port below 1024) …
 */
int cs_http_listen(const struct sockaddr *address, socklen_t len, bool any);

/* The port a listening socket has, in host order; 0: none. */
uint16_t cs_http_listen_port(int fd);

#endif
