/* SPDX-License-Identifier: Apache-2.0 */
/* What a single TLS record's length can say, given version and cipher. Pure; for the exchange
 * finder (tls_exchange.c) and the shapes of calls (classify_shape.c). */
#ifndef CS_CORE_TLS_EXCHANGE_LENGTHS_H
#define CS_CORE_TLS_EXCHANGE_LENGTHS_H

#include <stdbool.h>
#include <stdint.h>

struct cs_tls_suite {
    uint16_t version; /* 0 unknown: taken for 1.3 */
    uint16_t cipher;
};

#define CS_TLS_CLIENT_PREFACE 24 /* bytes before a client's first SETTINGS (RFC 9113 3.4) */

/* TLS 1.2 and before: handshake records have a type of their own to the end. */
bool cs_tls_suite_is_old(struct cs_tls_suite suite);

/* Bytes that encryption adds to a record's payload; 0 where it is not fixed (CBC suites). */
uint16_t cs_tls_suite_overhead(struct cs_tls_suite suite);

/* TLS 1.3's encrypted Finished of the client. */
bool cs_tls_length_is_finished(struct cs_tls_suite suite, uint16_t length);

/* An encrypted alert, as TLS 1.3 sends it among application data. */
bool cs_tls_length_is_alert(struct cs_tls_suite suite, uint16_t length);

/* HTTP/2 control frames and alerts; of a server also an interim answer. */
bool cs_tls_length_is_control(struct cs_tls_suite suite, uint16_t length, bool of_server);

/* An HTTP/2 SETTINGS frame with any number of values, alone or with a WINDOW_UPDATE, an
 * acknowledgement or both; before: bytes in front of it. */
bool cs_tls_length_is_settings(struct cs_tls_suite suite, uint16_t length, int before);

#endif
