/* SPDX-License-Identifier: Apache-2.0 */
/* The last exchanges: a ring of lines in one block of memory. */
#include "app/serve/api_exchanges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t seq;
    size_t offset, len;
};

struct cs_api_exchanges {
    size_t first, count; /* of entries, oldest first */
    size_t next;         /* where the next line's bytes go */
    struct entry entries[CS_API_EXCHANGES];
    char bytes[CS_API_EXCHANGE_BYTES];
};

int cs_api_exchanges_new(struct cs_api_exchanges **exchanges)
{
    struct cs_api_exchanges *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    *exchanges = made;
    return 0;
}

void cs_api_exchanges_free(struct cs_api_exchanges *exchanges)
{
    free(exchanges);
}

static void drop_oldest(struct cs_api_exchanges *exchanges)
{
    exchanges->first = (exchanges->first + 1) % CS_API_EXCHANGES;
    exchanges->count--;
}

static const struct entry *entry_at(const struct cs_api_exchanges *exchanges, size_t index)
{
    return &exchanges->entries[(exchanges->first + index) % CS_API_EXCHANGES];
}

void cs_api_exchanges_add(struct cs_api_exchanges *exchanges, uint64_t seq, const char *line,
                          size_t len)
{
    size_t slot;

    if (len == 0 || len > sizeof(exchanges->bytes))
        return;
    if (exchanges->next + len > sizeof(exchanges->bytes)) {
        /* Lines are not split: what stands between here and the end is the oldest, and goes. */
        while (exchanges->count && entry_at(exchanges, 0)->offset >= exchanges->next)
            drop_oldest(exchanges);
        exchanges->next = 0;
    }
    while (exchanges->count) {
        const struct entry *oldest = entry_at(exchanges, 0);

        if (exchanges->count < CS_API_EXCHANGES &&
            (oldest->offset >= exchanges->next + len ||
             oldest->offset + oldest->len <= exchanges->next))
            break;
        drop_oldest(exchanges);
    }
    slot = (exchanges->first + exchanges->count++) % CS_API_EXCHANGES;
    exchanges->entries[slot] = (struct entry){.seq = seq, .offset = exchanges->next, .len = len};
    memcpy(exchanges->bytes + exchanges->next, line, len);
    exchanges->next += len;
}

void cs_api_exchanges_write(const struct cs_api_exchanges *exchanges, uint64_t after, bool any,
                            size_t limit, struct cs_buffer *buffer)
{
    size_t begin = exchanges->count > limit ? exchanges->count - limit : 0;
    const char *separator = "";

    for (size_t i = begin; i < exchanges->count; i++) {
        const struct entry *entry = entry_at(exchanges, i);

        if (!any && entry->seq <= after)
            continue;
        cs_buffer_add_text(buffer, separator);
        cs_buffer_add(buffer, exchanges->bytes + entry->offset, entry->len);
        separator = ",\n";
    }
}
