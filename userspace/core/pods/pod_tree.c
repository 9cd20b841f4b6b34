/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_tree.h"

#include <string.h>

/* An ordinary pod's tree: 20 KB of text make some 130 KB of it. */
#define KEPT_BYTES ((size_t)160 << 10)
#define ALIGNMENT  16

struct cs_pod_chunk {
    struct cs_pod_chunk *next;
    size_t size, used;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

/* cJSON's hooks take no context. Set during cs_pod_tree_parse only. */
static struct cs_pod_tree *parsing;

/* A tree's first chunk: memory mapped anew for each update cost a third of reading it. Of one tree
 * at a time, and wiped with it. */
static _Alignas(struct cs_pod_chunk) unsigned char kept[sizeof(struct cs_pod_chunk) + KEPT_BYTES];
static bool kept_taken;

static struct cs_pod_chunk *chunk_make(size_t size)
{
    if (size > KEPT_BYTES || kept_taken)
        return malloc(sizeof(struct cs_pod_chunk) + size);
    kept_taken = true;
    return (struct cs_pod_chunk *)kept;
}

static void chunk_free(struct cs_pod_chunk *chunk)
{
    explicit_bzero(chunk->bytes, chunk->used);
    if (chunk == (struct cs_pod_chunk *)kept)
        kept_taken = false;
    else
        free(chunk);
}

static struct cs_pod_chunk *chunk_add(struct cs_pod_tree *tree, size_t need)
{
    size_t size = tree->bytes > KEPT_BYTES ? tree->bytes : KEPT_BYTES; /* doubles each time */
    struct cs_pod_chunk *chunk;

    if (size < need)
        size = need;
    if (size > CS_POD_TREE_MAX - tree->bytes)
        size = CS_POD_TREE_MAX - tree->bytes;
    if (size < need) {
        tree->error = CS_POD_TOO_COMPLEX;
        return NULL;
    }
    chunk = chunk_make(size);
    if (!chunk) {
        tree->error = CS_POD_NO_MEMORY;
        return NULL;
    }
    *chunk = (struct cs_pod_chunk){.next = tree->chunks, .size = size};
    tree->chunks = chunk;
    tree->bytes += size;
    return chunk;
}

static void *tree_alloc(size_t size)
{
    struct cs_pod_chunk *chunk = parsing->chunks;
    void *memory;

    if (size > CS_POD_TREE_MAX) {
        parsing->error = CS_POD_TOO_COMPLEX;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!chunk || chunk->size - chunk->used < size)
        chunk = chunk_add(parsing, size);
    if (!chunk)
        return NULL;
    memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

static void tree_free(void *memory)
{
    (void)memory; /* with the whole */
}

enum cs_pod_error cs_pod_tree_parse(struct cs_pod_tree *tree, struct cs_slice json)
{
    cJSON_Hooks hooks = {.malloc_fn = tree_alloc, .free_fn = tree_free};
    const char *end = json.data;

    parsing = tree;
    cJSON_InitHooks(&hooks);
    tree->root = cJSON_ParseWithLengthOpts(json.data, json.len, &end, false);
    cJSON_InitHooks(NULL);
    parsing = NULL;
    if (tree->error != CS_POD_OK)
        return tree->error;
    if (!tree->root)
        return CS_POD_NOT_JSON;
    for (; end < json.data + json.len; end++)
        if (!strchr(" \t\r\n", *end) || *end == '\0')
            return CS_POD_NOT_JSON;
    return CS_POD_OK;
}

void cs_pod_tree_wipe(struct cs_pod_tree *tree)
{
    while (tree->chunks) {
        struct cs_pod_chunk *chunk = tree->chunks;

        tree->chunks = chunk->next;
        chunk_free(chunk);
    }
    tree->root = NULL;
    tree->bytes = 0;
}
