/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which SDK a User-Agent names, and whether it is too old for the mechanism its workload is to be
 * moved to (sdk_minimums.def). What isn't known is not old.
 */
#ifndef CS_CORE_SDK_VERSION_H
#define CS_CORE_SDK_VERSION_H

#include "core/mechanism.h"

#include <stdbool.h>

#define CS_SDK_VERSION_MAX 32 /* with its NUL */

struct cs_sdk {
    const char *name;                 /* label value */
    char version[CS_SDK_VERSION_MAX]; /* digits and dots, at most four numbers */
    const char *minimum;              /* NULL: not known */
    enum cs_mechanism successor;      /* for which the minimum is */
};

/* The first product of the list that is known. False: none is; *sdk is then untouched. cut: the
 * text's end is missing, so its last product's version may be. */
bool cs_sdk_parse(const char *user_agent, bool cut, struct cs_sdk *sdk);

/* Its version is known to be below the minimum for that mechanism. */
bool cs_sdk_too_old(const struct cs_sdk *sdk, enum cs_mechanism successor);

#endif
