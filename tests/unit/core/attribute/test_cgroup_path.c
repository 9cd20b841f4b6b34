/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/cgroup_path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define UID       "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UID_      "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9"
#define UID2      "ffffffff-0000-4000-8000-123456789abc"
#define UID2_     "ffffffff_0000_4000_8000_123456789abc"
#define STATIC    "99dcb84d2a34f7e338778606703258c4"
#define ID        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2       "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define BURSTABLE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"

static struct cs_slice slice(const char *text)
{
    return (struct cs_slice){text, strlen(text)};
}

static const struct path_case {
    const char *name;
    const char *path;
    enum cs_cgroup_kind kind;
    enum cs_runtime runtime;
    enum cs_qos qos;
    const char *uid;
    const char *id;
} paths[] = {
    {"systemd + containerd", BURSTABLE "/cri-containerd-" ID ".scope", CS_CGROUP_POD,
     CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID, ID},
    {"systemd + containerd, besteffort",
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
     ".slice/cri-containerd-" ID ".scope",
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BESTEFFORT, UID, ID},
    {"systemd + containerd, guaranteed has no QoS level",
     "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope", CS_CGROUP_POD,
     CS_RUNTIME_CONTAINERD, CS_QOS_GUARANTEED, UID, ID},
    {"systemd + CRI-O", BURSTABLE "/crio-" ID ".scope", CS_CGROUP_POD, CS_RUNTIME_CRIO,
     CS_QOS_BURSTABLE, UID, ID},
    {"CRI-O's sub-cgroup", BURSTABLE "/crio-" ID ".scope/container", CS_CGROUP_POD, CS_RUNTIME_CRIO,
     CS_QOS_BURSTABLE, UID, ID},
    {"CRI-O's monitor is no container", BURSTABLE "/crio-conmon-" ID ".scope", CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID, ""},
    {"systemd + docker", BURSTABLE "/docker-" ID ".scope", CS_CGROUP_POD, CS_RUNTIME_DOCKER,
     CS_QOS_BURSTABLE, UID, ID},
    {"cgroupfs burstable", "/kubepods/burstable/pod" UID "/" ID, CS_CGROUP_POD, CS_RUNTIME_UNKNOWN,
     CS_QOS_BURSTABLE, UID, ID},
    {"cgroupfs besteffort", "/kubepods/besteffort/pod" UID "/" ID, CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BESTEFFORT, UID, ID},
    {"cgroupfs guaranteed", "/kubepods/pod" UID "/" ID, CS_CGROUP_POD, CS_RUNTIME_UNKNOWN,
     CS_QOS_GUARANTEED, UID, ID},
    {"cgroupfs + CRI-O", "/kubepods/burstable/pod" UID "/crio-" ID, CS_CGROUP_POD, CS_RUNTIME_CRIO,
     CS_QOS_BURSTABLE, UID, ID},
    {"cgroupRoot", "/all/pods/kubepods/burstable/pod" UID "/" ID, CS_CGROUP_POD, CS_RUNTIME_UNKNOWN,
     CS_QOS_BURSTABLE, UID, ID},
    {"colon form below containerd.service",
     "/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" ID,
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID, ID},
    {"colon form, one component",
     "/system.slice/kubepods-besteffort-pod" UID_ ".slice:cri-containerd:" ID, CS_CGROUP_POD,
     CS_RUNTIME_CONTAINERD, CS_QOS_BESTEFFORT, UID, ID},
    {"colon form, CRI-O", "/kubepods-pod" UID_ ".slice:crio:" ID, CS_CGROUP_POD, CS_RUNTIME_CRIO,
     CS_QOS_GUARANTEED, UID, ID},
    {"colon form, a sub-cgroup named like a container",
     "/kubepods-pod" UID_ ".slice:cri-containerd:" ID "/docker-" ID2 ".scope", CS_CGROUP_POD,
     CS_RUNTIME_CONTAINERD, CS_QOS_GUARANTEED, UID, ID},
    {"kind",
     "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
     "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID, ID},
    {"kind, guaranteed",
     "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_ ".slice/cri-containerd-" ID
     ".scope",
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_GUARANTEED, UID, ID},
    {"kind seen from its host, cgroupfs",
     "/docker/" ID2 "/kubelet/kubepods/burstable/pod" UID "/" ID, CS_CGROUP_POD, CS_RUNTIME_UNKNOWN,
     CS_QOS_BURSTABLE, UID, ID},
    {"kind seen from its host, systemd",
     "/system.slice/docker-" ID2 ".scope/kubelet.slice/kubelet-kubepods.slice/"
     "kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" UID_
     ".slice/cri-containerd-" ID ".scope",
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BESTEFFORT, UID, ID},
    {"static pod", "/kubelet-kubepods-burstable-pod" STATIC ".slice/cri-containerd-" ID ".scope",
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, STATIC, ID},
    {"static pod, cgroupfs", "/kubepods/burstable/pod" STATIC "/" ID, CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, STATIC, ID},
    {"the pod's own directory", BURSTABLE, CS_CGROUP_POD, CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID,
     ""},
    {"systemd in a container", BURSTABLE "/cri-containerd-" ID ".scope/system.slice/a.service",
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID, ID},
    {"docker in a container", BURSTABLE "/cri-containerd-" ID ".scope/docker/" ID2, CS_CGROUP_POD,
     CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID, ID},
    {"a monitor's child is no container", BURSTABLE "/crio-conmon-" ID ".scope/" ID2, CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID, ""},
    {"kata", "/kubepods/burstable/pod" UID "/kata_" ID, CS_CGROUP_POD, CS_RUNTIME_KATA,
     CS_QOS_BURSTABLE, UID, ID},
    {"a cluster in a container",
     BURSTABLE "/cri-containerd-" ID ".scope/kubelet/kubepods/besteffort/pod" UID2 "/" ID2,
     CS_CGROUP_POD, CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID, ID},
    {"directories named like another pod's", "/kubepods/pod" UID "/" ID "/pod" UID2 "/" ID2,
     CS_CGROUP_POD, CS_RUNTIME_UNKNOWN, CS_QOS_GUARANTEED, UID, ID},
    {"… in the pod's own directory", "/kubepods/pod" UID "/pod" UID2 "/" ID2, CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_GUARANTEED, UID, ""},
    {"another namespace's view, other pod", "/../../pod" UID "/" ID, CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, UID, ID},
    {"another namespace's view, same pod", "/../" ID, CS_CGROUP_UNKNOWN, CS_RUNTIME_UNKNOWN,
     CS_QOS_UNKNOWN, "", ID},
    {"another namespace's view, systemd driver",
     "/../../kubepods-burstable-pod" UID2_ ".slice/cri-containerd-" ID ".scope", CS_CGROUP_POD,
     CS_RUNTIME_CONTAINERD, CS_QOS_BURSTABLE, UID2, ID},
    {"another namespace's root", "/..", CS_CGROUP_UNKNOWN, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "",
     ""},
    {"a name that starts with dots", "/..a", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "",
     ""},
    {"root", "/", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"empty", "", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"slashes only", "///", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"a service", "/system.slice/kubelet.service", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN,
     CS_QOS_UNKNOWN, "", ""},
    {"docker without Kubernetes", "/system.slice/docker-" ID ".scope", CS_CGROUP_HOST,
     CS_RUNTIME_DOCKER, CS_QOS_UNKNOWN, "", ID},
    {"podman without Kubernetes", "/machine.slice/libpod-" ID ".scope/container", CS_CGROUP_HOST,
     CS_RUNTIME_PODMAN, CS_QOS_UNKNOWN, "", ID},
    {"kubepods itself", "/kubepods.slice/kubepods-burstable.slice", CS_CGROUP_HOST,
     CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"uid a digit short", "/kubepods/burstable/pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f",
     CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"uid with mixed separators", "/kubepods/pod0a1b2c3d-4e5f_6071-8293-a4b5c6d7e8f9",
     CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"uid with other separators", "/kubepods/pod0a1b2c3d.4e5f.6071.8293.a4b5c6d7e8f9",
     CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"uid followed by more", "/kubepods/pod" UID "x", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN,
     CS_QOS_UNKNOWN, "", ""},
    {"a slice that only ends like it", "/notkubepods-pod" UID_ ".slice", CS_CGROUP_HOST,
     CS_RUNTIME_UNKNOWN, CS_QOS_UNKNOWN, "", ""},
    {"a scope, not a slice", "/kubepods-pod" UID_ ".scope", CS_CGROUP_HOST, CS_RUNTIME_UNKNOWN,
     CS_QOS_UNKNOWN, "", ""},
    {"container id a digit long", BURSTABLE "/cri-containerd-" ID "0.scope", CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID, ""},
    {"container id in capitals",
     BURSTABLE
     "/cri-containerd-0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF.scope",
     CS_CGROUP_POD, CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID, ""},
    {"doubled slashes", "//kubepods//burstable//pod" UID "//" ID "//", CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID, ID},
    {"kubepods twice", "/kubepods-kubepods-burstable-pod" UID_ ".slice", CS_CGROUP_POD,
     CS_RUNTIME_UNKNOWN, CS_QOS_BURSTABLE, UID, ""},
};

static void identifies_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(paths); i++) {
        const struct path_case *c = &paths[i];
        struct cs_cgroup_identity got;

        cs_cgroup_identify(slice(c->path), false, &got);
        if (got.kind != c->kind || got.runtime != c->runtime || got.qos != c->qos ||
            strcmp(got.pod_uid, c->uid) != 0 || strcmp(got.container_id, c->id) != 0)
            fail_msg("%s: kind %d runtime %s qos %s uid '%s' id '%s'", c->name, got.kind,
                     cs_runtime_name(got.runtime), cs_qos_name(got.qos), got.pod_uid,
                     got.container_id);
    }
}

/* However a path is cut, the answer is the whole path's or "unknown", never another. */
static void cut_paths_are_never_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(paths); i++) {
        struct cs_slice path = slice(paths[i].path);

        for (size_t len = 0; len < path.len; len++) {
            struct cs_cgroup_identity got;

            cs_cgroup_identify((struct cs_slice){path.data, len}, true, &got);
            assert_int_not_equal(got.kind, CS_CGROUP_HOST);
            if (got.kind == CS_CGROUP_POD && strcmp(got.pod_uid, paths[i].uid) != 0)
                fail_msg("%s cut at %zu: uid '%s'", paths[i].name, len, got.pod_uid);
        }
    }
}

static void parses_lines(void **state)
{
    static const struct {
        const char *name, *line;
        int result;
        unsigned int hierarchy;
        const char *controllers, *path;
    } cases[] = {
        {"v2", "0::/a/b", 0, 0, "", "/a/b"},
        {"v1", "4:memory:/x", 0, 4, "memory", "/x"},
        {"v1, two controllers", "11:cpu,cpuacct:/", 0, 11, "cpu,cpuacct", "/"},
        {"named", "1:name=systemd:/init.scope", 0, 1, "name=systemd", "/init.scope"},
        {"a colon in the path", "0::/s.slice:cri-containerd:x", 0, 0, "",
         "/s.slice:cri-containerd:x"},
        {"relative", "0::/../x", 0, 0, "", "/../x"},
        {"empty", "", -EINVAL, 0, NULL, NULL},
        {"no path", "0::", -EINVAL, 0, NULL, NULL},
        {"one colon", "0:/x", -EINVAL, 0, NULL, NULL},
        {"no number", "::/x", -EINVAL, 0, NULL, NULL},
        {"not a number", "a::/x", -EINVAL, 0, NULL, NULL},
        {"huge number", "12345678901::/x", -EINVAL, 0, NULL, NULL},
        {"path without slash", "0::x", -EINVAL, 0, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_cgroup_line line;
        int r = cs_cgroup_line_parse(slice(cases[i].line), &line);

        if (r != cases[i].result)
            fail_msg("%s: %d", cases[i].name, r);
        if (r < 0)
            continue;
        assert_int_equal(line.hierarchy, cases[i].hierarchy);
        assert_int_equal(line.controllers.len, strlen(cases[i].controllers));
        assert_memory_equal(line.controllers.data, cases[i].controllers, line.controllers.len);
        assert_int_equal(line.path.len, strlen(cases[i].path));
        assert_memory_equal(line.path.data, cases[i].path, line.path.len);
    }
}

static void picks_the_best_line(void **state)
{
    static const struct {
        const char *name, *text, *path; /* NULL: none */
    } cases[] = {
        {"v2 only", "0::/system.slice/a.service\n", "/system.slice/a.service"},
        {"hybrid: pod in v1 only", "4:memory:/kubepods/pod" UID "/" ID "\n0::/\n",
         "/kubepods/pod" UID "/" ID},
        {"hybrid: pod in both", "4:memory:/kubepods/pod" UID "/" ID "\n0::/kubepods/pod" UID2 "\n",
         "/kubepods/pod" UID2},
        {"v2 that isn't the root beats v1", "4:memory:/m\n1:name=systemd:/s\n0::/u\n", "/u"},
        {"systemd's beats the others", "4:memory:/m\n1:name=systemd:/s\n0::/\n", "/s"},
        {"any beats the root", "1:name=systemd:/\n4:memory:/m\n0::/\n", "/m"},
        {"root everywhere", "1:name=systemd:/\n0::/\n", "/"},
        {"without a last newline", "0::/u", "/u"},
        {"malformed lines are passed over", "x\n\n0::/u\n", "/u"},
        {"nothing", "", NULL},
        {"nothing that parses", "a\nb:c\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_slice path = {NULL, 0};
        int r = cs_cgroup_lines_pick(slice(cases[i].text), &path);

        if (!cases[i].path) {
            assert_int_equal(r, -EINVAL);
            assert_null(path.data);
        } else if (r != 0 || path.len != strlen(cases[i].path) ||
                   memcmp(path.data, cases[i].path, path.len) != 0) {
            fail_msg("%s: %d '%.*s'", cases[i].name, r, (int)path.len, path.data);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifies_paths),
        cmocka_unit_test(cut_paths_are_never_wrong),
        cmocka_unit_test(parses_lines),
        cmocka_unit_test(picks_the_best_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
