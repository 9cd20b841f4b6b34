/* SPDX-License-Identifier: Apache-2.0 */
/* What the TLS tests share: connections to a watched TLS port, and hellos on them. */
#ifndef CS_TESTS_TLS_TRAFFIC_H
#define CS_TESTS_TLS_TRAFFIC_H

#include "hello.h"
#include "traffic.h"

#define TLS_NAME "sts.us-east-1.amazonaws.com"

extern int tls_listener; /* HOST_OTHER, TLS_PORT; open from tls_setup on */

/* Shapes of real clients' hellos for TLS_NAME. */
extern const struct hello_shape tls_clients[];
extern const size_t tls_client_count;
#define TLS_CLIENT_SMALL 1 /* one of them in a few bytes, all flags but PSK */

int tls_setup(void **state);

/* Client first, by RST: quickly and without TIME_WAIT, of which thousands would use up the
 * ports. Leaves tls_listener open. */
void tls_end(struct pair *pair);

/* Connect, send a hello and end; `first` bytes in a segment of their own, the others `rest` at a
 * time (0: in one). */
void tls_send(const struct hello *hello, size_t first, size_t rest);

/* The files' tests, called by test_tls_run: how many failed. */
int test_tls_names(void);
int test_tls_answers(void);
int test_tls_wire(void);
int test_tls_real(void);

#endif
