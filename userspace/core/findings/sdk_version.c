// SPDX-License-Identifier: Apache-2.0
#include "core/findings/sdk_version.h"

#include "base/util.h"

#include <string.h>
#include <strings.h>

#define NUMBERS_MAX 4
#define DIGITS_MAX  6
#define ANY         0

static const struct {
    const char *product;
    const char *name;
    unsigned int major; /* ANY */
    const char *minimum;
    enum cs_mechanism successor;
} sdks[] = {
#define CS_SDK(product, name, major, minimum, successor) \
    {product, name, major, minimum, CS_MECHANISM_##successor},
#include "core/findings/sdk_minimums.def"
#undef CS_SDK
};

/* Reads at most four numbers joined by dots; returns how many, and how long they are as text. */
static size_t read_version(const char *text, unsigned int numbers[NUMBERS_MAX], size_t *len)
{
    size_t count = 0, at = 0;

    memset(numbers, 0, NUMBERS_MAX * sizeof(numbers[0]));
    *len = 0;
    while (count < NUMBERS_MAX) {
        size_t digits = 0;

        while (digits < DIGITS_MAX && text[at + digits] >= '0' && text[at + digits] <= '9') {
            numbers[count] = numbers[count] * 10 + (unsigned int)(text[at + digits] - '0');
            digits++;
        }
        if (digits == 0)
            break;
        if (text[at + digits] >= '0' && text[at + digits] <= '9')
            return 0; /* no version */
        count++;
        at += digits;
        *len = at;
        if (text[at] != '.')
            break;
        at++;
    }
    return count;
}

static bool parse_product(struct cs_slice word, bool cut, struct cs_sdk *sdk)
{
    struct cs_slice version = word;
    struct cs_slice product = cs_slice_split(&version, '/');
    unsigned int numbers[NUMBERS_MAX];
    char text[CS_SDK_VERSION_MAX + 1];
    size_t len;

    cs_text_copy(text, sizeof(text), version.data, version.len);
    if (read_version(text, numbers, &len) < 2 || (cut && len == version.len))
        return false;
    for (size_t i = 0; i < CS_ARRAY_SIZE(sdks); i++) {
        if (strlen(sdks[i].product) != product.len ||
            strncasecmp(sdks[i].product, product.data, product.len) != 0 ||
            (sdks[i].major != ANY && sdks[i].major != numbers[0]))
            continue;
        sdk->name = sdks[i].name;
        cs_text_copy(sdk->version, sizeof(sdk->version), text, len);
        sdk->minimum = sdks[i].minimum;
        sdk->successor = sdks[i].successor;
        return true;
    }
    return false;
}

bool cs_sdk_parse(const char *user_agent, bool cut, struct cs_sdk *sdk)
{
    struct cs_slice rest = {user_agent, strlen(user_agent)};

    while (rest.len > 0) {
        struct cs_slice word = cs_slice_split(&rest, ' ');

        if (parse_product(word, cut && rest.len == 0, sdk))
            return true;
    }
    return false;
}

bool cs_sdk_too_old(const struct cs_sdk *sdk, enum cs_mechanism successor)
{
    unsigned int have[NUMBERS_MAX], want[NUMBERS_MAX];
    size_t len;

    if (!sdk->minimum || sdk->successor != successor)
        return false;
    read_version(sdk->version, have, &len);
    read_version(sdk->minimum, want, &len);
    for (size_t i = 0; i < NUMBERS_MAX; i++)
        if (have[i] != want[i])
            return have[i] < want[i];
    return false;
}
