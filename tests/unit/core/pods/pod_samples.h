/* SPDX-License-Identifier: Apache-2.0 */
/* Pods for the tests of reading them. */
#ifndef TESTS_UNIT_CORE_POD_SAMPLES_H
#define TESTS_UNIT_CORE_POD_SAMPLES_H

#include "core/pods/pod_json.h"

#include <string.h>

#define UID_A "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UID_B "1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define HASH  "99dcb84d2a34f7e338778606703258c4"
#define ID_A  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B  "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_C  "2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Parts, to be pasted together. */
#define META(extra) \
    "\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"web-1\",\"namespace\":\"shop\"" extra "}"
#define POD(meta, rest) "{" meta rest "}"

static inline struct cs_slice slice_of(const char *text)
{
    return (struct cs_slice){text, strlen(text)};
}

#endif
