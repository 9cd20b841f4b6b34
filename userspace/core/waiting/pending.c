/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "core/waiting/pending.h"

#include "base/util.h"
#include "core/attribute/subject.h"
#include "core/waiting/pending_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_NS     (60 * CS_NSEC_PER_SEC)
#define PER_KEY_MAX 512
#define BYTES_MAX   ((size_t)2 << 20)

static const char *const WHY_NAMES[] = {
    [CS_PENDING_KNOWN] = "known",
    [CS_PENDING_TIMEOUT] = "timeout",
    [CS_PENDING_FULL] = "full",
    [CS_PENDING_FLUSH] = "flush",
};
_Static_assert(CS_ARRAY_SIZE(WHY_NAMES) == CS_PENDING_END, "why names");

struct entry;

/* All that wait for one key, in their order. */
struct waiting {
    UT_hash_handle hh;
    struct entry *entries;
    uint32_t count;
    char key[CS_CONTAINER_ID_LEN];
};

struct entry {
    struct entry *prev, *next;         /* of all, in the order of arrival */
    struct entry *key_prev, *key_next; /* of its key */
    struct waiting *waiting;
    uint64_t arrived_ns;
    uint32_t len;
    uint8_t packed[];
};

struct cs_pending {
    struct cs_pending_options options;
    struct cs_pending_stats stats;
    struct waiting *keys;
    struct entry *entries;
};

const char *cs_pending_why_name(enum cs_pending_why why)
{
    return WHY_NAMES[why];
}

int cs_pending_new(const struct cs_pending_options *options, struct cs_pending **pending)
{
    struct cs_pending *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->options = *options;
    if (made->options.wait_ns == 0)
        made->options.wait_ns = WAIT_NS;
    if (made->options.count_max == 0)
        made->options.count_max = CS_PENDING_COUNT_MAX;
    if (made->options.per_key_max == 0)
        made->options.per_key_max = PER_KEY_MAX;
    if (made->options.bytes_max == 0)
        made->options.bytes_max = BYTES_MAX;
    *pending = made;
    return 0;
}

static void waiting_free(struct cs_pending *pending, struct waiting *waiting)
{
    if (waiting->count > 0)
        return;
    HASH_DEL(pending->keys, waiting);
    pending->stats.bytes -= sizeof(*waiting);
    free(waiting);
}

/* Out of both lists and freed; the key goes with its last. */
static void entry_remove(struct cs_pending *pending, struct entry *entry)
{
    struct waiting *waiting = entry->waiting;

    DL_DELETE(pending->entries, entry);
    DL_DELETE2(waiting->entries, entry, key_prev, key_next);
    waiting->count--;
    pending->stats.waiting--;
    pending->stats.bytes -= sizeof(*entry) + entry->len;
    free(entry);
    waiting_free(pending, waiting);
}

void cs_pending_free(struct cs_pending **pending)
{
    if (!*pending)
        return;
    while ((*pending)->entries)
        entry_remove(*pending, (*pending)->entries);
    free(*pending);
    *pending = NULL;
}

static void hand_over(struct cs_pending *pending, struct entry *entry, enum cs_pending_why why)
{
    struct cs_pending_image image;

    cs_pending_unpack(entry->packed, entry->len, &image);
    entry_remove(pending, entry);
    pending->stats.left[why]++;
    pending->options.sink(pending->options.user, &image.exchange, &image.verdict, why);
}

static struct waiting *find(struct cs_pending *pending, const char *key)
{
    struct waiting *waiting;

    HASH_FIND_STR(pending->keys, key, waiting);
    return waiting;
}

static struct waiting *find_or_make(struct cs_pending *pending, const char *key)
{
    struct waiting *waiting = find(pending, key);

    if (waiting)
        return waiting;
    waiting = calloc(1, sizeof(*waiting));
    if (!waiting)
        return NULL;
    cs_text_copy(waiting->key, sizeof(waiting->key), key, strlen(key));
    HASH_ADD_STR(pending->keys, key, waiting);
    if (!waiting->hh.tbl) {
        free(waiting);
        return NULL;
    }
    pending->stats.bytes += sizeof(*waiting);
    return waiting;
}

static bool has_room(const struct cs_pending *pending, size_t len)
{
    return pending->stats.waiting < pending->options.count_max &&
           pending->stats.bytes + sizeof(struct entry) + sizeof(struct waiting) + len <=
               pending->options.bytes_max;
}

static int enqueue(struct cs_pending *pending, const char *key, const uint8_t *packed, size_t len,
                   uint64_t now_ns)
{
    struct waiting *waiting = find(pending, key);
    struct entry *entry;

    if (waiting && waiting->count >= pending->options.per_key_max)
        hand_over(pending, waiting->entries, CS_PENDING_FULL);
    while (pending->entries && !has_room(pending, len))
        hand_over(pending, pending->entries, CS_PENDING_FULL);
    if (!has_room(pending, len))
        return -ENOSPC;
    waiting = find_or_make(pending, key);
    if (!waiting)
        return -ENOMEM;
    entry = malloc(sizeof(*entry) + len);
    if (!entry) {
        waiting_free(pending, waiting);
        return -ENOMEM;
    }
    *entry = (struct entry){.waiting = waiting, .arrived_ns = now_ns, .len = (uint32_t)len};
    memcpy(entry->packed, packed, len);
    DL_APPEND(pending->entries, entry);
    DL_APPEND2(waiting->entries, entry, key_prev, key_next);
    waiting->count++;
    pending->stats.waiting++;
    pending->stats.bytes += sizeof(*entry) + len;
    return 0;
}

void cs_pending_add(struct cs_pending *pending, const char *key, const struct cs_exchange *exchange,
                    const struct cs_verdict *verdict, uint64_t now_ns)
{
    uint8_t packed[CS_PENDING_PACKED_MAX];
    size_t len = cs_pending_pack(exchange, verdict, packed);

    pending->stats.taken++;
    if (enqueue(pending, key, packed, len, now_ns) == 0)
        return;
    pending->stats.left[CS_PENDING_FULL]++;
    pending->options.sink(pending->options.user, exchange, verdict, CS_PENDING_FULL);
}

uint32_t cs_pending_known(struct cs_pending *pending, const char *key)
{
    struct waiting *waiting = find(pending, key);
    uint32_t count = waiting ? waiting->count : 0;

    for (uint32_t i = 0; i < count; i++)
        hand_over(pending, waiting->entries, CS_PENDING_KNOWN);
    return count;
}

void cs_pending_tick(struct cs_pending *pending, uint64_t now_ns)
{
    while (pending->entries && cs_pending_deadline(pending) <= now_ns)
        hand_over(pending, pending->entries, CS_PENDING_TIMEOUT);
}

uint64_t cs_pending_deadline(const struct cs_pending *pending)
{
    return pending->entries ? pending->entries->arrived_ns + pending->options.wait_ns : UINT64_MAX;
}

void cs_pending_flush(struct cs_pending *pending)
{
    while (pending->entries)
        hand_over(pending, pending->entries, CS_PENDING_FLUSH);
}

void cs_pending_stats(const struct cs_pending *pending, struct cs_pending_stats *stats)
{
    *stats = pending->stats;
}
