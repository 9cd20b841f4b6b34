/* SPDX-License-Identifier: Apache-2.0 */
/* --expect: what is as intended. */
#include "app/config/expect_file.h"
#include "app/observer/observer_parts.h"
#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <time.h>

void cs_observer_warn_of_expired(struct cs_observer *observer)
{
    const struct cs_expect *expect = observer->expect;
    int64_t now_s = (int64_t)time(NULL);

    for (size_t i = 0; i < cs_expect_count(expect); i++) {
        const struct cs_expect_entry *entry = cs_expect_at(expect, i);

        if (entry->until_s <= now_s && entry->until_s > observer->expect_warned_s)
            cs_warn("--expect %s: line %u: the last day of %s/%s %s is over: no longer expected",
                    observer->config->expect, entry->line, entry->namespace, entry->service_account,
                    cs_mechanism_info(entry->mechanism)->name);
    }
    observer->expect_warned_s = now_s;
}

int cs_observer_make_expect(struct cs_observer *observer)
{
    const char *path = observer->config->expect;
    int error = cs_expect_new(&observer->expect);
    char why[CS_EXPECT_ERROR_MAX];

    if (error == 0 && path[0]) {
        error = cs_expect_file_read(path, observer->expect, why);
        if (error < 0)
            return cs_error_r(error, "--expect %s: %s", path, why);
        cs_observer_warn_of_expired(observer);
    }
    if (error < 0)
        return cs_error_r(error, "can't make the list of what is expected: %s", strerror(-error));
    return 0;
}
