// SPDX-License-Identifier: Apache-2.0
#include "tls_traffic.h"

#include <string.h>

int tls_listener = -1;

/* Sizes and places as measured with the real clients; "late" ones are rustls' random order. */
const struct hello_shape tls_clients[] = {
    {.client = "Go 1.24",
     .size = 1507,
     .name_at = 108,
     .session_id = 32,
     .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "Go 1.22",
     .size = 287,
     .name_at = 110,
     .session_id = 32,
     .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "boto3, OpenSSL 3.0",
     .size = 517,
     .name_at = 118,
     .session_id = 32,
     .alpn = ALPN_HTTP11,
     .tls13 = true},
    {.client = "OpenSSL 3.0, resumed",
     .size = 517,
     .name_at = 144,
     .session_id = 32,
     .tls13 = true,
     .psk = true},
    {.client = "OpenSSL, TLS 1.2 only", .size = 224, .name_at = 106},
    {.client = "curl, OpenSSL 3.5",
     .size = 1587,
     .name_at = 147,
     .before = 1,
     .session_id = 32,
     .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "Node 20", .size = 385, .name_at = 200, .session_id = 32, .tls13 = true},
    {.client = "Node 22",
     .size = 1604,
     .name_at = 191,
     .before = 1,
     .session_id = 32,
     .alpn = ALPN_HTTP11,
     .tls13 = true},
    {.client = "Java 17", .size = 476, .name_at = 156, .session_id = 32, .tls13 = true},
    {.client = "rustls", .size = 276, .name_at = 200, .before = 4, .session_id = 32, .tls13 = true},
    {.client = "AWS Rust SDK",
     .size = 1498,
     .name_at = 1430,
     .before = 9,
     .session_id = 32,
     .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "AWS Rust SDK, name last",
     .size = 1498,
     .name_at = 1462,
     .before = 10,
     .session_id = 32,
     .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "Bun",
     .size = 1518,
     .name_at = 116,
     .session_id = 32,
     .alpn = ALPN_HTTP11,
     .tls13 = true},
    {.client = "45 extensions",
     .size = 1700,
     .name_at = 900,
     .before = 45,
     .session_id = 32,
     .alpn = ALPN_BOTH,
     .tls13 = true,
     .psk = true,
     .ech = true},
};

const size_t tls_client_count = sizeof(tls_clients) / sizeof(tls_clients[0]);

int tls_setup(void **state)
{
    harness_setup(state);
    tls_listener = traffic_listen(HOST_OTHER, TLS_PORT);
    return 0;
}

void tls_end(struct pair *pair)
{
    const struct step reset[] = {{CLIENT_RESET, NULL, 0}, {STEP_END, NULL, 0}};

    pair->listener = -1;
    traffic_play(pair, reset, 0);
    traffic_end(pair);
}

void tls_send(const struct hello *hello, size_t first, size_t rest)
{
    struct pair pair = traffic_connect_to(tls_listener, HOST_OTHER, TLS_PORT);
    const char *bytes = (const char *)hello->bytes;

    if (first)
        traffic_move(pair.client, pair.server, bytes, first, 0);
    traffic_move(pair.client, pair.server, bytes + first, hello->len - first, rest);
    tls_end(&pair);
}
