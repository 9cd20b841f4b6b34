/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/mountinfo.h"

#include <errno.h>
#include <string.h>

/* Fields of a line before the optional ones (proc_pid_mountinfo(5)). */
enum { FIELD_ROOT = 3, FIELD_POINT = 4, FIELD_OPTIONAL = 6 };

static const char *const layout_names[] = {
    [CS_CGROUP_LAYOUT_NONE] = "none",
    [CS_CGROUP_LAYOUT_V1] = "v1",
    [CS_CGROUP_LAYOUT_HYBRID] = "hybrid",
    [CS_CGROUP_LAYOUT_V2] = "v2",
};
_Static_assert(CS_ARRAY_SIZE(layout_names) == CS_CGROUP_LAYOUT_END, "a name for each layout");

const char *cs_cgroup_layout_name(enum cs_cgroup_layout layout)
{
    return layout < CS_CGROUP_LAYOUT_END ? layout_names[layout] : "none";
}

/* The kernel writes space, tab, newline and backslash as \ooo (fs/proc_namespace.c, mangle). */
static int unescape(struct cs_slice text, char to[CS_MOUNT_PATH_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\\') {
            unsigned int value = 0;

            if (text.len - i < 4)
                return -EINVAL;
            for (size_t digit = 1; digit <= 3; digit++) {
                if (text.data[i + digit] < '0' || text.data[i + digit] > '7')
                    return -EINVAL;
                value = value * 8 + (unsigned int)(text.data[i + digit] - '0');
            }
            c = (char)value;
            i += 3;
        }
        if (c == '\0' || n + 1 >= CS_MOUNT_PATH_MAX)
            return -EINVAL;
        to[n++] = c;
    }
    to[n] = '\0';
    return n > 0 ? 0 : -EINVAL;
}

int cs_mountinfo_next(struct cs_slice *text, struct cs_mount *mount)
{
    struct cs_slice line, fields[FIELD_OPTIONAL], field;

    if (text->len == 0)
        return 0;
    line = cs_slice_split(text, '\n');
    for (size_t i = 0; i < FIELD_OPTIONAL; i++) {
        fields[i] = cs_slice_split(&line, ' ');
        if (fields[i].len == 0)
            return -EINVAL;
    }
    do {
        if (line.len == 0)
            return -EINVAL;
        field = cs_slice_split(&line, ' ');
    } while (!cs_slice_is(field, "-"));
    mount->fs_type = cs_slice_split(&line, ' ');
    cs_slice_split(&line, ' ');
    mount->super_options = line;
    if (mount->fs_type.len == 0 || unescape(fields[FIELD_ROOT], mount->root) < 0 ||
        unescape(fields[FIELD_POINT], mount->point) < 0)
        return -EINVAL;
    return 1;
}

enum cs_cgroup_layout cs_mountinfo_layout(struct cs_slice text)
{
    bool v1 = false, v2 = false;
    struct cs_mount mount;
    int r;

    while ((r = cs_mountinfo_next(&text, &mount)) != 0) {
        if (r < 0)
            continue;
        v2 |= cs_slice_is(mount.fs_type, "cgroup2");
        /* A named hierarchy without controllers keeps systemd's names on a v2 node too. */
        v1 |= cs_slice_is(mount.fs_type, "cgroup") &&
              !memmem(mount.super_options.data, mount.super_options.len, "name=", 5);
    }
    if (v1)
        return v2 ? CS_CGROUP_LAYOUT_HYBRID : CS_CGROUP_LAYOUT_V1;
    return v2 ? CS_CGROUP_LAYOUT_V2 : CS_CGROUP_LAYOUT_NONE;
}
