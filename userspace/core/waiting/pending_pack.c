/* SPDX-License-Identifier: Apache-2.0 */
#include "core/waiting/pending_pack.h"

#include <stdbool.h>
#include <string.h>

#define RUN_MAX 255

/* What stands behind a text's end is of another exchange, and no zeros. */
static void clear_tail(char *text, size_t size)
{
    size_t len = strnlen(text, size - 1);

    memset(text + len, 0, size - len);
}

static void clear_burst(struct cs_burst *burst)
{
    for (size_t i = burst->count; i < CS_BURST_RECORDS_MAX; i++)
        burst->lengths[i] = 0;
}

static void make_image(struct cs_pending_image *image, const struct cs_exchange *exchange,
                       const struct cs_verdict *verdict)
{
    struct cs_connection *connection = &image->connection;
    struct cs_exchange *copy = &image->exchange;

    memset(image, 0, sizeof(*image));
    *connection = *exchange->connection;
    *copy = *exchange;
    copy->connection = NULL;
    image->verdict = *verdict;
    clear_tail(connection->comm, sizeof(connection->comm));
    clear_tail(connection->server_name, sizeof(connection->server_name));
    clear_tail(connection->authority, sizeof(connection->authority));
    clear_tail(connection->relay_server, sizeof(connection->relay_server));
    clear_tail(copy->method, sizeof(copy->method));
    clear_tail(copy->path, sizeof(copy->path));
    clear_tail(copy->user_agent, sizeof(copy->user_agent));
    clear_tail(copy->server, sizeof(copy->server));
    clear_burst(&copy->request_records);
    clear_burst(&copy->response_records);
}

/* Bytes up to the next three zeros, or the end. */
static size_t literal_run(const uint8_t *bytes, size_t left)
{
    size_t n = 0;

    while (n < left && n < RUN_MAX) {
        if (left - n >= 3 && bytes[n] == 0 && bytes[n + 1] == 0 && bytes[n + 2] == 0)
            break;
        n++;
    }
    return n;
}

size_t cs_pending_pack(const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                       uint8_t packed[CS_PENDING_PACKED_MAX])
{
    struct cs_pending_image image;
    const uint8_t *bytes = (const uint8_t *)&image;
    size_t at = 0, len = 0;

    make_image(&image, exchange, verdict);
    while (at < sizeof(image)) {
        size_t zeros = 0, literals;

        while (zeros < RUN_MAX && at < sizeof(image) && bytes[at] == 0) {
            zeros++;
            at++;
        }
        literals = literal_run(bytes + at, sizeof(image) - at);
        packed[len++] = (uint8_t)zeros;
        packed[len++] = (uint8_t)literals;
        memcpy(packed + len, bytes + at, literals);
        len += literals;
        at += literals;
    }
    return len;
}

void cs_pending_unpack(const uint8_t *packed, size_t len, struct cs_pending_image *image)
{
    uint8_t *bytes = (uint8_t *)image;
    size_t at = 0;

    memset(image, 0, sizeof(*image));
    for (size_t i = 0; i + 2 <= len; i += 2u + packed[i + 1]) {
        at += packed[i];
        memcpy(bytes + at, packed + i + 2, packed[i + 1]);
        at += packed[i + 1];
    }
    image->exchange.connection = &image->connection;
}
