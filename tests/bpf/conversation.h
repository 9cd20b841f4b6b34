/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with 169.254.170.23:80 and the facts that they must give. */
#ifndef CS_TESTS_CONVERSATION_H
#define CS_TESTS_CONVERSATION_H

#include "traffic.h"
#include "transcript.h"

/* The shortest request and answer, and their facts. */
#define GET      "GET / HTTP/1.1\r\n\r\n"
#define REQUEST  "request \"GET / HTTP/1.1\" agent \"\" head 18 body 0\n"
#define OK       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define RESPONSE "response 200 server \"\" head 38 body 0 flags length\n"
#define SECRET   "S3CR3T-0123456789"

/* Play, close, wait for the CLOSE fact. */
void conversation_play(const struct step *steps, size_t cut, struct facts *facts);

/* … and compare what lies between ESTABLISHED and CLOSE; prints a difference. */
bool conversation_is(const struct step *steps, size_t cut, const char *expected);
/* … and fail the test then. */
void conversation_expect(const struct step *steps, size_t cut, const char *expected);

#endif
