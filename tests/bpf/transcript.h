/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of the sensor as text, a line each, so that a test's expectation can be read:
 *
 *   connect plain 4 169.254.170.23:80
 *   established 169.254.170.23:80
 *   request "GET / HTTP/1.1" agent "curl/8" head 40 body 0 flags 0
 *   response 200 server "IMDS" head 60 body 2 flags length
 *   close local sent 40 received 62
 *
 * Ephemeral ports and times are left out; so are retransmits, since a busy machine is slow enough
 * for TCP to send again what was not lost. A jump in the sequence numbers is a line "lost N".
 */
#ifndef CS_TESTS_TRANSCRIPT_H
#define CS_TESTS_TRANSCRIPT_H

#include "harness.h"

#define FACTS_MAX 8192

/* Facts so far of the harness's sensor, oldest first. Each is a copy. */
struct facts {
    size_t count;
    struct cs_fact_header *fact[FACTS_MAX];
};

/* Take what waits in the sensor's ring into facts. */
void facts_poll(struct cs_sensor *sensor, struct facts *facts);
void facts_free(struct facts *facts);
/* Forget everything that happened so far. */
void facts_drain(struct cs_sensor *sensor);

/* Poll until there are n facts of a type, or patience ends. Returns how many there are. */
size_t facts_wait(struct cs_sensor *sensor, struct facts *facts, enum cs_fact_type type, size_t n);
size_t facts_count(const struct facts *facts, enum cs_fact_type type);
/* Facts of sockets; token opens and cgroups are the whole machine's. */
size_t facts_of_sockets(const struct facts *facts);
/* The n-th fact of a type, NULL if there are fewer. */
const void *facts_find(const struct facts *facts, enum cs_fact_type type, size_t n);

/* Lines of all socket facts, connection by connection in order of their first fact; the blocks
 * are separated by an empty line. Token and cgroup facts are left out. Caller frees. */
char *facts_text(const struct facts *facts);

/* Compare; print both in full when they differ. */
bool facts_same(const struct facts *facts, const char *expected);
/* … and fail the test then. */
void facts_assert(const struct facts *facts, const char *expected);

#endif
