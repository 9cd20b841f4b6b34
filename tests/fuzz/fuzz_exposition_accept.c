/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as Accept and Accept-Encoding. Besides not crashing: appending a member that nothing
 * here offers changes no decision, and one that settles it does.
 */
#include "core/metrics/exposition.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char neutral[] = ", image/png;q=0.7";
    char *text = malloc(size + sizeof(neutral));
    enum cs_exposition_format format;
    bool gzip, quoted;

    memcpy(text, data, size);
    text[size] = '\0';
    format = cs_exposition_negotiate(text);
    gzip = cs_exposition_gzip(text);
    /* an open quotation would swallow what is appended */
    quoted = strchr(text, '"') != NULL || strlen(text) != size;
    if (!quoted) {
        memcpy(text + size, neutral, sizeof(neutral));
        if (cs_exposition_negotiate(text) != format || cs_exposition_gzip(text) != gzip)
            abort();
        if (strncasecmp(text, "gzip,", 5) == 0 && !strcasestr(text + 5, "gzip") &&
            !strcasestr(text, "identity") && !gzip)
            abort();
    }
    free(text);
    return 0;
}
