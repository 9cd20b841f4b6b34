// SPDX-License-Identifier: Apache-2.0
#include "core/exchange/tls_exchange_lengths.h"

#include "base/util.h"

/* Largest payload of an HTTP/2 control record: a PING or GOAWAY frame without debug data (RFC 9113
 * 6.7, 6.8); an encrypted alert is 2 bytes. */
#define CONTROL_MAX 17
#define ALERT_SIZE  2

/* Java's own TLS pads each record of 1.3 with as many zero bytes (RFC 8446 5.4). */
#define PADDING 16

/* "HTTP/1.1 100 Continue" and its blank line: of a server this is no answer yet, and no answer is
 * as short. */
#define INTERIM_MAX 25

/* What encryption adds to a record's payload, and the Finished record's length (0: not a record of
 * its own type). */
static const struct tls_cipher {
    uint16_t version, cipher;
    uint8_t overhead, finished;
} ciphers[] = {
    {0x0304, 0x1301, 17, 53}, /* AES-128-GCM-SHA256 */
    {0x0304, 0x1302, 17, 69}, /* AES-256-GCM-SHA384 */
    {0x0304, 0x1303, 17, 53}, /* ChaCha20-Poly1305-SHA256 */
    {0x0304, 0x1304, 17, 53}, /* AES-128-CCM-SHA256 */
    {0x0304, 0x1305, 9, 45},  /* AES-128-CCM-8-SHA256 */
    {0x0303, 0x009c, 24, 0},  /* AES-GCM suites of RFC 5288, 5289 */
    {0x0303, 0x009d, 24, 0},  {0x0303, 0x009e, 24, 0}, {0x0303, 0x009f, 24, 0},
    {0x0303, 0xc02b, 24, 0},  {0x0303, 0xc02c, 24, 0}, {0x0303, 0xc02f, 24, 0},
    {0x0303, 0xc030, 24, 0},  {0x0303, 0xcca8, 16, 0}, /* ChaCha20-Poly1305 (RFC 7905) */
    {0x0303, 0xcca9, 16, 0},  {0x0303, 0xccaa, 16, 0},
};

static const struct tls_cipher *cipher_of(struct cs_tls_suite suite)
{
    for (size_t i = 0; i < CS_ARRAY_SIZE(ciphers); i++) {
        if (ciphers[i].version == suite.version && ciphers[i].cipher == suite.cipher)
            return &ciphers[i];
    }
    return NULL;
}

bool cs_tls_suite_is_old(struct cs_tls_suite suite)
{
    return suite.version != 0 && suite.version < 0x0304;
}

/* 1.3's where the version was not seen; for a CBC suite 0, which finds no control records, and
 * HTTP/2 forbids those suites. */
uint16_t cs_tls_suite_overhead(struct cs_tls_suite suite)
{
    const struct tls_cipher *cipher = cipher_of(suite);

    if (cipher)
        return cipher->overhead;
    return cs_tls_suite_is_old(suite) ? 0 : 17;
}

bool cs_tls_length_is_finished(struct cs_tls_suite suite, uint16_t length)
{
    const struct tls_cipher *cipher = cipher_of(suite);

    if (!cipher)
        return length == 53 || length == 69 || length == 69 + PADDING;
    return cipher->finished && (length == cipher->finished || length == cipher->finished + PADDING);
}

bool cs_tls_length_is_alert(struct cs_tls_suite suite, uint16_t length)
{
    uint16_t alert = cs_tls_suite_overhead(suite) + ALERT_SIZE;

    return length == alert || (!cs_tls_suite_is_old(suite) && length == alert + PADDING);
}

bool cs_tls_length_is_control(struct cs_tls_suite suite, uint16_t length, bool of_server)
{
    uint16_t overhead = cs_tls_suite_overhead(suite);
    uint16_t max = of_server ? INTERIM_MAX : CONTROL_MAX;

    /* No request, nor a body that follows its head, is as short as this. */
    if (!of_server && !cs_tls_suite_is_old(suite))
        max += PADDING;
    return overhead > 0 && length <= overhead + max;
}

bool cs_tls_length_is_settings(struct cs_tls_suite suite, uint16_t length, int before)
{
    static const int beside[] = {0, 13, 9, 22};
    int left = length - cs_tls_suite_overhead(suite) - before - 9;

    for (size_t i = 0; i < CS_ARRAY_SIZE(beside); i++) {
        int values = left - beside[i];

        if (values >= 0 && values % 6 == 0 && values <= 60)
            return true;
    }
    return false;
}
