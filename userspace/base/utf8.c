/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/util.h"

size_t cs_utf8_length(const char *text)
{
    /* Unicode 15, table 3-7 */
    static const struct {
        unsigned char first, last, second_min, second_max;
        size_t length;
    } FORMS[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0; i < CS_ARRAY_SIZE(FORMS); i++) {
        if (*at < FORMS[i].first || *at > FORMS[i].last)
            continue;
        if (FORMS[i].length > 1 && (at[1] < FORMS[i].second_min || at[1] > FORMS[i].second_max))
            return 0;
        for (size_t k = 2; k < FORMS[i].length; k++) {
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        }
        return FORMS[i].length;
    }
    return 0;
}

bool cs_utf8_valid(const char *text)
{
    size_t len;

    for (; *text != '\0'; text += len) {
        len = (unsigned char)*text < 0x80 ? 1 : cs_utf8_length(text);
        if (len == 0)
            return false;
    }
    return true;
}
