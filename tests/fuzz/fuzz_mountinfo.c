/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a /proc/self/mountinfo. */
#include "core/attribute/mountinfo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

static bool is_within(struct cs_slice part, const char *text, size_t size)
{
    return part.data >= text && part.data + part.len <= text + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cs_mount mount;
    char *text = malloc(size > 0 ? size : 1);
    struct cs_slice rest = {text, size};
    bool cgroup2 = false;
    int r;

    REQUIRE(text);
    memcpy(text, data, size);
    for (;;) {
        size_t before = rest.len;

        r = cs_mountinfo_next(&rest, &mount);
        if (r == 0)
            break;
        REQUIRE(rest.len < before && rest.data + rest.len == text + size);
        if (r < 0)
            continue;
        REQUIRE(r == 1 && mount.root[0] != '\0' && mount.point[0] != '\0');
        REQUIRE(strnlen(mount.root, sizeof(mount.root)) < sizeof(mount.root));
        REQUIRE(strnlen(mount.point, sizeof(mount.point)) < sizeof(mount.point));
        REQUIRE(mount.fs_type.len > 0 && is_within(mount.fs_type, text, size));
        REQUIRE(is_within(mount.super_options, text, size));
        cgroup2 |= mount.fs_type.len == 7 && memcmp(mount.fs_type.data, "cgroup2", 7) == 0;
    }
    REQUIRE(rest.len == 0);
    enum cs_cgroup_layout layout = cs_mountinfo_layout((struct cs_slice){text, size});

    REQUIRE((layout == CS_CGROUP_LAYOUT_V2 || layout == CS_CGROUP_LAYOUT_HYBRID) == cgroup2);
    free(text);
    return 0;
}
