// SPDX-License-Identifier: Apache-2.0
#include "core/classify/server_name.h"

#include "base/util.h"

#include <string.h>

#define LABELS_MAX 5 /* one more than the longest shape has */

static const struct {
    const char *label;
    enum cs_endpoint endpoint;
    bool fips;
} services[] = {
    {"sts", CS_ENDPOINT_STS, false},
    {"sts-fips", CS_ENDPOINT_STS, true},
    {"eks-auth", CS_ENDPOINT_EKS_AUTH, false},
    {"eks-auth-fips", CS_ENDPOINT_EKS_AUTH, true},
};

static bool slice_is(struct cs_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}

/* Letters, then '-'-separated words, the last all digits: us-east-1, us-gov-west-1, eusc-de-east-1
 * (regionRegex of botocore's partitions.json, all of them). */
static bool is_region(struct cs_slice label)
{
    size_t words = 0, digits = 0, letters = 0;

    for (size_t i = 0; i < label.len; i++) {
        char c = label.data[i];

        if (c == '-') {
            if (letters + digits == 0 || letters == 0)
                return false;
            words++;
            letters = digits = 0;
        } else if (c >= '0' && c <= '9') {
            digits++;
        } else if (c >= 'a' && c <= 'z') {
            letters++;
        } else {
            return false;
        }
    }
    return words >= 2 && digits > 0 && letters == 0;
}

static size_t split_labels(const char *name, size_t len, struct cs_slice labels[LABELS_MAX])
{
    size_t count = 0, start = 0;

    for (size_t i = 0; i <= len && count < LABELS_MAX; i++) {
        if (i < len && name[i] != '.')
            continue;
        labels[count++] = (struct cs_slice){name + start, i - start};
        start = i + 1;
    }
    return count;
}

static bool parse_aws(const char *name, size_t left, struct cs_server_name *result)
{
    struct cs_slice labels[LABELS_MAX];
    size_t count = left ? split_labels(name, left, labels) : 0;
    size_t service = 0;

    if (count == 4 && labels[0].len > 5 && memcmp(labels[0].data, "vpce-", 5) == 0 &&
        slice_is(labels[3], "vpce")) {
        result->private_link = true;
        service = 1;
    } else if (count != 1 && count != 2) {
        return false;
    }
    if (count == 1) {
        result->global = strcmp(name, "sts.amazonaws.com") == 0;
        if (!result->global)
            return false;
    } else if (!is_region(labels[service + 1])) {
        return false;
    }
    for (size_t i = 0; i < CS_ARRAY_SIZE(services); i++) {
        if (!slice_is(labels[service], services[i].label))
            continue;
        result->endpoint = services[i].endpoint;
        result->fips = services[i].fips;
        return true;
    }
    return false;
}

bool cs_server_name_parse(const struct cs_watchlist *list, const char *name,
                          struct cs_server_name *result)
{
    struct cs_server_name parsed = {.endpoint = CS_ENDPOINT_UNKNOWN};
    const struct cs_watch_suffix *suffix;
    char lower[CS_HOST_NAME_MAX + 1];
    size_t len = strlen(name), left = 0;
    bool known = false;

    *result = parsed;
    if (len > 0 && name[len - 1] == '.')
        len--;
    if (!cs_text_copy(lower, sizeof(lower), name, len))
        return false;
    for (char *c = lower; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    suffix = cs_watchlist_suffix(list, lower, &left);
    if (!suffix)
        return false;
    if (suffix->rule == CS_SUFFIX_AWS) {
        known = parse_aws(lower, left, &parsed);
    } else {
        parsed.endpoint = suffix->endpoint;
        known = true;
    }
    if (known)
        *result = parsed;
    return known;
}
