/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange, its connection and verdict as few bytes, for waiting. The structs are mostly room
 * for texts, so runs of zero bytes are left out; what fields there are doesn't matter.
 */
#ifndef CS_CORE_PENDING_PACK_H
#define CS_CORE_PENDING_PACK_H

#include "core/classify/classify.h"
#include "core/exchange/exchange.h"

#include <stddef.h>
#include <stdint.h>

struct cs_pending_image {
    struct cs_connection connection;
    struct cs_exchange exchange; /* its connection is the one above, once unpacked */
    struct cs_verdict verdict;
};

/* Two bytes of counts for each literal run of at most 255; a run ends at three zeros at least. */
#define CS_PENDING_PACKED_MAX (2 * sizeof(struct cs_pending_image) + 16)

/* Bytes written. */
size_t cs_pending_pack(const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                       uint8_t packed[CS_PENDING_PACKED_MAX]);

/* What pack has made, and nothing else. */
void cs_pending_unpack(const uint8_t *packed, size_t len, struct cs_pending_image *image);

#endif
