/* SPDX-License-Identifier: Apache-2.0 */
/* A real program attached to a cgroup of the test's own. Needs root. */
#include "io/bpf_query.h"

#include "base/cleanup.h"
#include "base/util.h"
#include "io/cgroup_fs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[PATH_MAX];

/* Remove the cgroup once the test has gone, however it went; its programs go with it. */
static void guard(void)
{
    int ends[2];
    char byte;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0) {
        close(ends[0]);
        return;
    }
    setsid();
    close(ends[1]);
    while (read(ends[0], &byte, 1) > 0)
        ;
    rmdir(top);
    _exit(0);
}

static int setup(void **state)
{
    _cleanup_cgroup_fs_ struct cs_cgroup_fs fs = CS_CGROUP_FS_INIT;
    char why[512] = "";

    (void)state;
    if (cs_cgroup_fs_open(NULL, &fs, why, sizeof(why)) < 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    snprintf(top, sizeof(top), "%.4000s/credscope-unit-query-%d", fs.path, getpid());
    guard();
    return mkdir(top, 0755);
}

/* return 1 */
static int program_load(const char *name)
{
    static const struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);

    return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, name, "GPL", code, CS_ARRAY_SIZE(code),
                         &options);
}

static void lists_programs_in_their_order(void **state)
{
    _cleanup_close_ int cgroup = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int first = program_load("first"), second = program_load("second");
    struct cs_bpf_program programs[CS_BPF_PROGRAMS_MAX];
    size_t count = 99;

    (void)state;
    assert_true(cgroup >= 0 && first >= 0 && second >= 0);
    assert_int_equal(cs_bpf_query_attached(cgroup, BPF_CGROUP_INET4_CONNECT, programs, &count), 0);
    assert_int_equal(count, 0);

    assert_int_equal(bpf_prog_attach(first, cgroup, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI),
                     0);
    assert_int_equal(bpf_prog_attach(second, cgroup, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI),
                     0);
    assert_int_equal(cs_bpf_query_attached(cgroup, BPF_CGROUP_INET4_CONNECT, programs, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(programs[0].name, "first");
    assert_string_equal(programs[1].name, "second");
    assert_int_not_equal(programs[0].id, programs[1].id);

    count = 99;
    assert_int_equal(cs_bpf_query_attached(cgroup, BPF_CGROUP_INET6_CONNECT, programs, &count), 0);
    assert_int_equal(count, 0);
}

static void refuses_what_is_no_cgroup(void **state)
{
    _cleanup_close_ int other = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct cs_bpf_program programs[CS_BPF_PROGRAMS_MAX];
    size_t count = 99;

    (void)state;
    assert_true(cs_bpf_query_attached(other, BPF_CGROUP_INET4_CONNECT, programs, &count) < 0);
    assert_int_equal(count, 99);
}

static void probes_features(void **state)
{
    size_t n;
    const struct cs_bpf_feature *features = cs_bpf_features(&n);

    (void)state;
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        if (cs_bpf_feature_probe(i) != 1)
            fail_msg("%s: %d", features[i].name, cs_bpf_feature_probe(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_programs_in_their_order),
        cmocka_unit_test(refuses_what_is_no_cgroup),
        cmocka_unit_test(probes_features),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
