/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kernel.h"

#include "base/util.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define DMI      "/sys/class/dmi/id/"
#define SECURITY "/sys/kernel/security/"
#define OPENAT   "/events/syscalls/sys_enter_openat/id"

static void parses_releases(void **state)
{
    static const struct {
        const char *release;
        uint32_t version;
    } cases[] = {
        {"5.10.0-28-amd64", CS_KERNEL(5, 10)},
        {"6.1", CS_KERNEL(6, 1)},
        {"6.18.44-fc-v657", CS_KERNEL(6, 18)},
        {"5.4.0-1103-aws", CS_KERNEL(5, 4)},
        {"10.0-rc1", CS_KERNEL(10, 0)},
        {"", 0},
        {"six", 0},
        {"6", 0},
        {"6-1", 0},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++)
        if (cs_kernel_version(cases[i].release) != cases[i].version)
            fail_msg("%s: %x", cases[i].release, cs_kernel_version(cases[i].release));
    assert_true(CS_KERNEL(5, 9) < CS_KERNEL(5, 10) && CS_KERNEL(5, 19) < CS_KERNEL(6, 0));
}

struct file {
    const char *path, *text;
};

/* A directory with those files below it; removed again by tree_remove. */
static void tree_make(char root[PATH_MAX], const struct file *files)
{
    snprintf(root, PATH_MAX, "/tmp/credscope-unit-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (; files->path; files++) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%.200s%s", root, files->path);
        for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
             slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            mkdir(path, 0755);
            *slash = '/';
        }
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        fputs(files->text, file);
        fclose(file);
    }
}

static int entry_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void tree_remove(const char *root)
{
    assert_int_equal(nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static const struct {
    const char *name;
    struct file files[6];
    struct cs_kernel wanted;
} trees[] = {
    {"nothing at all", {{0}}, {.jit = -1, .unprivileged_bpf_disabled = -1}},
    {"a modern node",
     {{"/sys/kernel/btf/vmlinux", "x"},
      {SECURITY "lsm", "lockdown,capability,apparmor,bpf\n"},
      {SECURITY "lockdown", "none [integrity] confidentiality\n"},
      {"/proc/sys/net/core/bpf_jit_enable", "1\n"},
      {"/proc/sys/kernel/unprivileged_bpf_disabled", "2\n"}},
     {.btf = true,
      .lsm_known = true,
      .bpf_lsm = true,
      .lockdown = CS_LOCKDOWN_INTEGRITY,
      .jit = 1,
      .unprivileged_bpf_disabled = 2}},
    {"no BPF LSM, but one that is called alike",
     {{SECURITY "lsm", "capability,bpfx,xbpf\n"}, {SECURITY "lockdown", "[none] integrity\n"}},
     {.lsm_known = true, .jit = -1, .unprivileged_bpf_disabled = -1}},
    {"lockdown confidentiality",
     {{SECURITY "lsm", "bpf"}, {SECURITY "lockdown", "none integrity [confidentiality]\n"}},
     {.lsm_known = true,
      .bpf_lsm = true,
      .lockdown = CS_LOCKDOWN_CONFIDENTIALITY,
      .jit = -1,
      .unprivileged_bpf_disabled = -1}},
    {"tracefs and kprobes",
     {{"/sys/kernel/tracing" OPENAT, "1\n"}, {"/sys/bus/event_source/devices/kprobe/type", "8\n"}},
     {.tracefs = true, .kprobes = true, .jit = -1, .unprivileged_bpf_disabled = -1}},
    {"tracefs in its old place",
     {{"/sys/kernel/debug/tracing" OPENAT, "1\n"}},
     {.tracefs = true, .jit = -1, .unprivileged_bpf_disabled = -1}},
    {"EC2, Nitro",
     {{DMI "sys_vendor", "Amazon EC2\n"}},
     {.cloud = CS_CLOUD_AWS, .jit = -1, .unprivileged_bpf_disabled = -1}},
    {"EC2, Xen",
     {{DMI "sys_vendor", "Xen\n"}, {"/sys/hypervisor/uuid", "ec2e1916-9099\n"}},
     {.cloud = CS_CLOUD_AWS, .jit = -1, .unprivileged_bpf_disabled = -1}},
    {"Azure",
     {{DMI "sys_vendor", "Microsoft Corporation\n"},
      {DMI "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n"}},
     {.cloud = CS_CLOUD_AZURE, .jit = -1, .unprivileged_bpf_disabled = -1}},
    {"any Hyper-V",
     {{DMI "sys_vendor", "Microsoft Corporation\n"}, {DMI "chassis_asset_tag", "1234\n"}},
     {.jit = -1, .unprivileged_bpf_disabled = -1}},
    {"garbage in a number",
     {{"/proc/sys/net/core/bpf_jit_enable", "on\n"}},
     {.jit = -1, .unprivileged_bpf_disabled = -1}},
};

static void reads_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(trees); i++) {
        const struct cs_kernel *wanted = &trees[i].wanted;
        char root[PATH_MAX];
        struct cs_kernel got;

        tree_make(root, trees[i].files);
        cs_kernel_read(root, &got);
        tree_remove(root);
        if (got.btf != wanted->btf || got.bpf_lsm != wanted->bpf_lsm ||
            got.lsm_known != wanted->lsm_known || got.tracefs != wanted->tracefs ||
            got.kprobes != wanted->kprobes || got.jit != wanted->jit ||
            got.unprivileged_bpf_disabled != wanted->unprivileged_bpf_disabled ||
            got.lockdown != wanted->lockdown || got.cloud != wanted->cloud)
            fail_msg("%s: btf %d bpf_lsm %d lsm_known %d tracefs %d kprobes %d jit %d unpriv %d "
                     "lockdown %s cloud %s",
                     trees[i].name, got.btf, got.bpf_lsm, got.lsm_known, got.tracefs, got.kprobes,
                     got.jit, got.unprivileged_bpf_disabled, cs_lockdown_name(got.lockdown),
                     cs_cloud_name(got.cloud));
    }
}

static void reads_this_machine(void **state)
{
    struct utsname names;
    struct cs_kernel got;

    (void)state;
    assert_int_equal(uname(&names), 0);
    cs_kernel_read("", &got);
    assert_string_equal(got.release, names.release);
    assert_string_equal(got.machine, names.machine);
    assert_true(got.version >= CS_KERNEL(3, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_releases),
        cmocka_unit_test(reads_trees),
        cmocka_unit_test(reads_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
