/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/mountinfo.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cs_slice slice(const char *text)
{
    return (struct cs_slice){text, strlen(text)};
}

static void reads_lines(void **state)
{
    static const struct {
        const char *name, *line;
        int result;
        const char *root, *point, *type, *options;
    } cases[] = {
        {"v2", "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
         1, "/", "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate"},
        {"no optional field", "38 31 0:38 / /u rw - cgroup2 none rw\n", 1, "/", "/u", "cgroup2",
         "rw"},
        {"several optional fields",
         "1 2 0:3 / /u rw shared:1 master:2 unbindable - cgroup c rw,cpu\n", 1, "/", "/u", "cgroup",
         "rw,cpu"},
        {"another namespace's root", "1 2 0:3 /../.. /host/cgroup ro - cgroup2 cgroup2 rw\n", 1,
         "/../..", "/host/cgroup", "cgroup2", "rw"},
        {"escapes", "1 2 0:3 /a\\040b /c\\134d\\011e\\012 rw - ext4 x rw\n", 1, "/a b",
         "/c\\d\te\n", "ext4", "rw"},
        {"no newline", "1 2 0:3 / /u rw - cgroup2 c rw", 1, "/", "/u", "cgroup2", "rw"},
        {"no super options", "1 2 0:3 / /u rw - cgroup2 c", 1, "/", "/u", "cgroup2", ""},
        {"a mount point called -", "1 2 0:3 / - rw - cgroup2 c rw", 1, "/", "-", "cgroup2", "rw"},
        {"the end", "", 0, NULL, NULL, NULL, NULL},
        {"empty line", "\n", -EINVAL, NULL, NULL, NULL, NULL},
        {"no separator", "1 2 0:3 / /u rw shared:1\n", -EINVAL, NULL, NULL, NULL, NULL},
        {"few fields", "1 2 0:3 / /u\n", -EINVAL, NULL, NULL, NULL, NULL},
        {"no type", "1 2 0:3 / /u rw -\n", -EINVAL, NULL, NULL, NULL, NULL},
        {"short escape", "1 2 0:3 / /u\\04 rw - cgroup2 c rw\n", -EINVAL, NULL, NULL, NULL, NULL},
        {"bad escape", "1 2 0:3 / /u\\049 rw - cgroup2 c rw\n", -EINVAL, NULL, NULL, NULL, NULL},
        {"escaped NUL", "1 2 0:3 / /u\\000 rw - cgroup2 c rw\n", -EINVAL, NULL, NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_slice text = slice(cases[i].line);
        struct cs_mount mount;
        int r = cs_mountinfo_next(&text, &mount);

        if (r != cases[i].result)
            fail_msg("%s: %d", cases[i].name, r);
        assert_int_equal(text.len, 0);
        if (r != 1)
            continue;
        assert_string_equal(mount.root, cases[i].root);
        assert_string_equal(mount.point, cases[i].point);
        assert_int_equal(mount.fs_type.len, strlen(cases[i].type));
        assert_memory_equal(mount.fs_type.data, cases[i].type, mount.fs_type.len);
        assert_int_equal(mount.super_options.len, strlen(cases[i].options));
        assert_memory_equal(mount.super_options.data, cases[i].options, mount.super_options.len);
    }
}

static void refuses_a_path_that_does_not_fit(void **state)
{
    char line[CS_MOUNT_PATH_MAX + 64] = "1 2 0:3 / /";
    size_t start = strlen(line);
    struct cs_mount mount;

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        size_t len = CS_MOUNT_PATH_MAX - 2 + extra;

        memset(line + start, 'a', len);
        strcpy(line + start + len, " rw - cgroup2 c rw\n");
        struct cs_slice text = slice(line);

        assert_int_equal(cs_mountinfo_next(&text, &mount), extra == 0 ? 1 : -EINVAL);
    }
}

#define LINE(type, options) "1 2 0:3 / /u rw - " type " x " options "\n"

static void tells_the_layout(void **state)
{
    static const struct {
        const char *name, *text;
        enum cs_cgroup_layout layout;
    } cases[] = {
        {"v2", LINE("ext4", "rw") LINE("cgroup2", "rw"), CS_CGROUP_LAYOUT_V2},
        {"hybrid",
         LINE("cgroup", "rw,memory") LINE("cgroup", "rw,xattr,name=systemd") LINE("cgroup2", "rw"),
         CS_CGROUP_LAYOUT_HYBRID},
        {"v1", LINE("cgroup", "rw,memory") LINE("cgroup", "rw,name=systemd"), CS_CGROUP_LAYOUT_V1},
        {"v2 with a named hierarchy", LINE("cgroup", "rw,name=systemd") LINE("cgroup2", "rw"),
         CS_CGROUP_LAYOUT_V2},
        {"a malformed line between", LINE("cgroup", "rw,cpu") "x\n" LINE("cgroup2", "rw"),
         CS_CGROUP_LAYOUT_HYBRID},
        {"none", LINE("ext4", "rw"), CS_CGROUP_LAYOUT_NONE},
        {"nothing", "", CS_CGROUP_LAYOUT_NONE},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++)
        if (cs_mountinfo_layout(slice(cases[i].text)) != cases[i].layout)
            fail_msg("%s: %s", cases[i].name,
                     cs_cgroup_layout_name(cs_mountinfo_layout(slice(cases[i].text))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(refuses_a_path_that_does_not_fit),
        cmocka_unit_test(tells_the_layout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
