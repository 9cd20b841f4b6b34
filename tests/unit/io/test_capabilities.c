/* SPDX-License-Identifier: Apache-2.0 */
#include "io/capabilities.h"

#include "base/kernel_version.h"
#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BPF             CS_CAP(CAP_BPF)
#define PERFMON         CS_CAP(CAP_PERFMON)
#define NET_ADMIN       CS_CAP(CAP_NET_ADMIN)
#define SYS_ADMIN       CS_CAP(CAP_SYS_ADMIN)
#define SYS_RESOURCE    CS_CAP(CAP_SYS_RESOURCE)
#define DAC_READ_SEARCH CS_CAP(CAP_DAC_READ_SEARCH)
#define BASE            (BPF | PERFMON | NET_ADMIN)

static void knows_what_a_kernel_needs(void **state)
{
    static const struct {
        const char *name;
        struct cs_capability_needs needs;
        uint64_t needed, remainder;
    } cases[] = {
        {"newest", {.kernel = CS_KERNEL(6, 18)}, BASE, 0},
        {"5.19 looks maps up freely", {.kernel = CS_KERNEL(5, 19)}, BASE, 0},
        {"5.18 does not", {.kernel = CS_KERNEL(5, 18)}, BASE, BPF},
        {"5.11 bounds no memory", {.kernel = CS_KERNEL(5, 11)}, BASE, BPF},
        {"5.10 does", {.kernel = CS_KERNEL(5, 10)}, BASE | SYS_RESOURCE, BPF},
        {"5.10 with a high limit", {.kernel = CS_KERNEL(5, 10), .memlock_enough = true}, BASE, BPF},
        {"a mount to make",
         {.kernel = CS_KERNEL(6, 1), .private_mount = true},
         BASE | SYS_ADMIN,
         0},
        {"handles",
         {.kernel = CS_KERNEL(6, 1), .open_by_handle = true},
         BASE | DAC_READ_SEARCH,
         DAC_READ_SEARCH},
        {"handles on 5.10",
         {.kernel = CS_KERNEL(5, 10), .memlock_enough = true, .open_by_handle = true},
         BASE | DAC_READ_SEARCH,
         BPF | DAC_READ_SEARCH},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++)
        if (cs_capabilities_needed(&cases[i].needs) != cases[i].needed ||
            cs_capabilities_remainder(&cases[i].needs) != cases[i].remainder)
            fail_msg("%s", cases[i].name);
}

static void lets_sys_admin_stand_for_three(void **state)
{
    (void)state;
    assert_int_equal(cs_capabilities_missing(BASE, BASE), 0);
    assert_int_equal(cs_capabilities_missing(BASE, BPF), PERFMON | NET_ADMIN);
    assert_int_equal(cs_capabilities_missing(BASE | SYS_RESOURCE, SYS_ADMIN), SYS_RESOURCE);
    assert_int_equal(cs_capabilities_missing(BASE | DAC_READ_SEARCH, SYS_ADMIN), DAC_READ_SEARCH);
    assert_int_equal(cs_capabilities_missing(SYS_ADMIN, BASE), SYS_ADMIN);
}

static void writes_sets(void **state)
{
    char text[64], small[24];

    (void)state;
    assert_string_equal(cs_capabilities_text(0, text, sizeof(text)), "none");
    assert_string_equal(cs_capabilities_text(BASE, text, sizeof(text)),
                        "CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF");
    assert_string_equal(cs_capabilities_text(CS_CAP(0) | BPF, text, sizeof(text)),
                        "CAP_0, CAP_BPF");
    cs_capabilities_text(BASE, small, sizeof(small));
    assert_true(strlen(small) < sizeof(small));
    assert_int_equal(strncmp(small, "CAP_NET_ADMIN", 13), 0);
}

/* Shedding is for good, so each try is a process of its own; 0 or the number of what failed. */
static void in_child(int (*child)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int shed_all(void)
{
    struct cs_capabilities now;
    cap_value_t value = CAP_NET_ADMIN;
    cap_t again;

    if (cs_capabilities_read(&now) < 0 || !(now.effective & NET_ADMIN))
        return 1;
    if (cs_capabilities_shed(0) != 0 || cs_capabilities_read(&now) < 0)
        return 2;
    if (now.effective != 0 || now.permitted != 0 || now.bounding != 0 || !now.no_new_privs)
        return 3;
    again = cap_get_proc();
    if (!again || cap_set_flag(again, CAP_PERMITTED, 1, &value, CAP_SET) < 0)
        return 4;
    if (cap_set_proc(again) == 0)
        return 5;
    return 0;
}

static int shed_but_one(void)
{
    struct cs_capabilities now;
    char status[4096] = "";
    FILE *file;

    if (cs_capabilities_shed(BPF | DAC_READ_SEARCH) != 0 || cs_capabilities_read(&now) < 0)
        return 1;
    if (now.effective != (BPF | DAC_READ_SEARCH) || now.permitted != now.effective)
        return 2;
    /* What the kernel says, beside what the library does. */
    file = fopen("/proc/self/status", "re");
    if (!file || fread(status, 1, sizeof(status) - 1, file) == 0)
        return 3;
    fclose(file);
    if (!strstr(status, "CapPrm:\t0000008000000004") ||
        !strstr(status, "CapEff:\t0000008000000004") ||
        !strstr(status, "CapInh:\t0000000000000000") ||
        !strstr(status, "CapBnd:\t0000000000000000") ||
        !strstr(status, "CapAmb:\t0000000000000000") || !strstr(status, "NoNewPrivs:\t1"))
        return 4;
    return 0;
}

static int shed_without_setpcap(void)
{
    struct cs_capabilities before, after;
    cap_value_t value = CAP_SETPCAP;
    cap_t state = cap_get_proc();

    if (!state || cap_set_flag(state, CAP_EFFECTIVE, 1, &value, CAP_CLEAR) < 0 ||
        cap_set_flag(state, CAP_PERMITTED, 1, &value, CAP_CLEAR) < 0 || cap_set_proc(state) < 0)
        return 1;
    if (cs_capabilities_read(&before) < 0 || cs_capabilities_shed(BPF) != 0 ||
        cs_capabilities_read(&after) < 0)
        return 2;
    if (after.bounding != before.bounding || after.permitted != BPF)
        return 3;
    return 0;
}

/* What isn't held can't be kept, and that is no error. */
static int shed_from_nothing(void)
{
    struct cs_capabilities now;

    if (cs_capabilities_shed(0) != 0 || cs_capabilities_shed(BPF) != 0 ||
        cs_capabilities_read(&now) < 0)
        return 1;
    return now.permitted == 0 ? 0 : 2;
}

static void sheds(void **state)
{
    (void)state;
    in_child(shed_all);
    in_child(shed_but_one);
    in_child(shed_without_setpcap);
    in_child(shed_from_nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_a_kernel_needs),
        cmocka_unit_test(lets_sys_admin_stand_for_three),
        cmocka_unit_test(writes_sets),
        cmocka_unit_test(sheds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
