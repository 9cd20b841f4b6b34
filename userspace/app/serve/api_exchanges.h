/* SPDX-License-Identifier: Apache-2.0 */
/* What of the ring of app/serve/api.h only the API itself needs. */
#ifndef CS_APP_API_EXCHANGES_H
#define CS_APP_API_EXCHANGES_H

#include "app/serve/api.h"

/* Append the newest lines, at most limit and only those with a seq above after (unless any),
 * oldest first, separated by commas. */
void cs_api_exchanges_write(const struct cs_api_exchanges *exchanges, uint64_t after, bool any,
                            size_t limit, struct cs_buffer *buffer);

#endif
