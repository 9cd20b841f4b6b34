// SPDX-License-Identifier: Apache-2.0
/*
 * The JSON scanner against cJSON, which accepts more than RFC 8259: what the scanner finds whole
 * and without fault, cJSON must parse; and cuts change nothing.
 */
#include "core/kube/kube_json.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* A hash of all tokens, in pieces of at most `piece` bytes. */
static uint64_t scan(struct cs_json_scan *scan, const char *text, size_t len, size_t piece)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t at = 0;

    cs_json_scan_init(scan, 24, 3);
    while (at < len) {
        size_t n = len - at < piece ? len - at : piece, used = 0;
        char *copy = malloc(n);
        enum cs_json_token token;

        if (!copy)
            abort();
        memcpy(copy, text + at, n);
        token = cs_json_scan_next(scan, copy, n, &used);
        free(copy);
        if (used > n || (used == 0 && token == CS_JSON_MORE))
            abort();
        at += used;
        if (token == CS_JSON_MORE)
            continue;
        hash = mix(hash, &token, sizeof(token));
        hash = mix(hash, &scan->depth, sizeof(scan->depth));
        hash = mix(hash, &at, sizeof(at));
        if (token == CS_JSON_KEY || token == CS_JSON_STRING || token == CS_JSON_ATOM) {
            hash = mix(hash, scan->text, scan->text_len);
            hash = mix(hash, &scan->text_plain, sizeof(scan->text_plain));
        }
    }
    hash = mix(hash, &scan->faults, sizeof(scan->faults));
    return hash + cs_json_scan_done(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cs_json_scan whole, cut;
    const char *text = (const char *)data;
    uint64_t hash = scan(&whole, text, size, size);
    size_t pieces[] = {1, 7, 2 + (size ? data[size - 1] % 61 : 0)};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        if (scan(&cut, text, size, pieces[i]) != hash)
            abort();
    }
    if (cs_json_scan_done(&whole) && whole.faults == 0 && !memmem(text, size, "\\u", 2)) {
        const char *end = NULL;
        cJSON *json = cJSON_ParseWithLengthOpts(text, size, &end, 0);

        if (!json)
            abort();
        for (; end < text + size; end++) {
            if (!strchr(" \t\r\n", *end))
                abort();
        }
        cJSON_Delete(json);
    }
    return 0;
}
