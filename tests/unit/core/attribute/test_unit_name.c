/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/unit_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ID         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define INVOCATION "0123456789abcdef0123456789abcdef"

static const struct {
    const char *name, *path, *unit;
} cases[] = {
    {"service", "/system.slice/kubelet.service", "kubelet.service"},
    {"service's sub-cgroup", "/system.slice/containerd.service/x/y", "containerd.service"},
    {"cri-o's own", "/system.slice/crio.service", "crio.service"},
    {"service in a slice of its own", "/runtime.slice/containerd.service", "containerd.service"},
    {"nested slices", "/a.slice/a-b.slice/a-b-c.slice/x.service", "x.service"},
    {"init", "/init.scope", "init.scope"},
    {"root", "/", "/"},
    {"empty", "", "/"},
    {"slice only", "/system.slice", "system.slice"},
    {"slices only", "/user.slice/user-1000.slice", "user-1000.slice"},
    {"slice with a directory that is no unit", "/user.slice/user-1000.slice/x", "user-1000.slice"},
    {"user session", "/user.slice/user-1000.slice/session-42.scope", "session.scope"},
    {"user session, closing", "/user.slice/user-1000.slice/session-c2.scope", "session.scope"},
    {"user manager", "/user.slice/user-1000.slice/user@1000.service/init.scope",
     "user@1000.service"},
    {"user manager's service",
     "/user.slice/user-1000.slice/user@1000.service/app.slice/podman.service", "user@1000.service"},
    {"systemd-run scope", "/system.slice/run-r" INVOCATION ".scope", "run.scope"},
    {"systemd-run scope, old", "/system.slice/run-1234.scope", "run.scope"},
    {"systemd-run scope, any", "/system.slice/run-something.scope", "run.scope"},
    {"systemd-run service", "/system.slice/run-u12.service", "run.service"},
    {"systemd-run service, new", "/system.slice/run-p123-i456.service", "run.service"},
    {"systemd-run service, random", "/system.slice/run-r" INVOCATION ".service", "run.service"},
    {"a service that only starts with run-", "/system.slice/run-backup.service",
     "run-backup.service"},
    {"a service that starts with run-u", "/system.slice/run-update.service", "run-update.service"},
    {"a service that starts with session-", "/system.slice/session-keeper.service",
     "session-keeper.service"},
    {"a scope that merely contains session", "/system.slice/my-session-1.scope",
     "my-session-1.scope"},
    {"template instance", "/system.slice/system-getty.slice/getty@tty1.service",
     "getty@tty1.service"},
    {"instance that starts with a number", "/system.slice/postgresql@15-main.service",
     "postgresql@15-main.service"},
    {"instance of two numbers", "/system.slice/disk@8-1.service", "disk@8-1.service"},
    {"Accept=yes instance, IPv4",
     "/system.slice/system-sshd.slice/sshd@7-10.0.0.1:22-10.0.0.9:4242.service", "sshd@.service"},
    {"Accept=yes instance, IPv6", "/system.slice/sshd@12-fe80::1:22-fe80::2:555.service",
     "sshd@.service"},
    {"Accept=yes instance, unix", "/system.slice/systemd-coredump@3-1234-0.service",
     "systemd-coredump@.service"},
    {"docker container", "/system.slice/docker-" ID ".scope", "docker.scope"},
    {"docker container, cgroupfs", "/docker/" ID, "/docker"},
    {"cri-o's monitor", "/system.slice/crio-conmon-" ID ".scope", "crio-conmon.scope"},
    {"podman container", "/machine.slice/libpod-" ID ".scope/container", "libpod.scope"},
    {"colon form in no pod", "/system.slice:docker:" ID, "/docker"},
    {"a snap's scope", "/system.slice/snap.lxd.0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9.scope",
     "snap.lxd.scope"},
    {"not quite a UUID", "/system.slice/x.0a1b2c3d-4e5f-6071-8293xa4b5c6d7e8f9.scope",
     "x.0a1b2c3d-4e5f-6071-8293xa4b5c6d7e8f9.scope"},
    {"kind node's service, from its host", "/docker/" ID "/system.slice/kubelet.service",
     "kubelet.service"},
    {"kind node's service, systemd host",
     "/system.slice/docker-" ID ".scope/system.slice/containerd.service", "containerd.service"},
    {"kind node's init", "/system.slice/docker-" ID ".scope/init.scope", "init.scope"},
    {"kind node's slice has no unit", "/system.slice/docker-" ID ".scope/kubelet.slice",
     "docker.scope"},
    {"a container's directory is no unit", "/system.slice/docker-" ID ".scope/x/y.service",
     "docker.scope"},
    {"escaped by systemd", "/system.slice/_cpu.service", "cpu.service"},
    {"no systemd", "/podruntime/kubelet/x", "/podruntime/kubelet"},
    {"no systemd, one level", "/podruntime", "/podruntime"},
    {"no systemd, an id", "/ecs/" INVOCATION "/" ID, "/ecs"},
    {"nothing but an id", "/" ID, "/"},
    {"kubepods without a pod", "/kubepods/burstable", "/kubepods/burstable"},
    {"bytes that may not be in a label", "/system.slice/a\xff\n\x01 b.service", "a????b.service"},
    {"a unit that is only its type", "/system.slice/.service", "system.slice"},
    {"slashes", "//system.slice///a.service//", "a.service"},
};

static void names_units(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        char unit[256];

        cs_unit_name((struct cs_slice){cases[i].path, strlen(cases[i].path)}, unit, sizeof(unit));
        if (strcmp(unit, cases[i].unit) != 0)
            fail_msg("%s: '%s', not '%s'", cases[i].name, unit, cases[i].unit);
    }
}

static void keeps_within_the_buffer(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        for (size_t size = 2; size < 64; size++) {
            char unit[64];

            memset(unit, 'Z', sizeof(unit));
            cs_unit_name((struct cs_slice){cases[i].path, strlen(cases[i].path)}, unit, size);
            assert_true(strnlen(unit, size) < size);
            assert_int_not_equal(unit[0], '\0');
            for (size_t at = size; at < sizeof(unit); at++)
                assert_int_equal(unit[at], 'Z');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_units),
        cmocka_unit_test(keeps_within_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
