/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between two real sockets of this process, driven step by step. */
#ifndef CS_TESTS_TRAFFIC_H
#define CS_TESTS_TRAFFIC_H

#include "harness.h"

#include <sys/socket.h>

enum step_kind {
    STEP_END = 0,
    CLIENT,       /* the client sends data, in a segment of its own */
    SERVER,       /* the server sends data */
    CLIENT_CLOSE, /* close(2) */
    SERVER_CLOSE,
    CLIENT_RESET, /* close(2) with SO_LINGER 0 */
    SERVER_RESET,
    CLIENT_SHUTDOWN, /* FIN, and goes on reading */
    PAUSE,           /* milliseconds in len */
};

struct step {
    enum step_kind kind;
    const char *data;
    size_t len; /* 0: strlen(data) */
};

struct pair {
    int client;
    int server;
    int listener;
};

/* Socket address of "a.b.c.d" or an IPv6 address; mapped: IPv4 as ::ffff:a.b.c.d. */
socklen_t traffic_address(struct sockaddr_storage *to, const char *host, int port, bool mapped);

/* A listening socket. */
int traffic_listen(const char *host, int port);

/* Client connected to host:port, accepted by listener. */
struct pair traffic_connect(const char *host, int port, bool mapped);
struct pair traffic_connect_to(int listener, const char *host, int port);
void traffic_end(struct pair *pair); /* client first, then the rest */

/* Play steps up to STEP_END; each byte sent is received before the next step. cut > 0: send in
 * pieces of at most so many bytes, each in a segment of its own. */
void traffic_play(struct pair *pair, const struct step *steps, size_t cut);

/* Send, and wait until the other end has it all. */
void traffic_move(int from, int to, const char *data, size_t len, size_t cut);

#endif
