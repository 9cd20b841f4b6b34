/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check_parts.h"
#include "base/util.h"
#include "core/attribute/cgroup_path.h"
#include "io/bpf_query.h"
#include "io/procfs.h"

#include <errno.h>
#include <string.h>

static void check_version(struct cs_check *check)
{
    const struct cs_kernel *kernel = &check->kernel;
    struct cs_check_line *line;

    if (kernel->version >= CS_KERNEL_MIN) {
        cs_check_add(&check->report, CS_CHECK_OK, "kernel", "%s, %s", kernel->release,
                     kernel->machine);
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_MISSING, "kernel", "%s", kernel->release);
    cs_check_advise(line, "Linux 5.10 or newer is needed");
}

static void check_btf(struct cs_check *check)
{
    struct cs_check_line *line;

    if (check->kernel.btf) {
        cs_check_add(&check->report, CS_CHECK_OK, "BTF", "/sys/kernel/btf/vmlinux");
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_MISSING, "BTF",
                        "/sys/kernel/btf/vmlinux can't be read");
    cs_check_advise(line, "a kernel with CONFIG_DEBUG_INFO_BTF is needed, and /sys mounted");
}

static void check_jit(struct cs_check *check)
{
    struct cs_check_line *line;

    if (check->kernel.jit != 0)
        return; /* on, or not shown in this network namespace */
    line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "JIT", "net.core.bpf_jit_enable is 0");
    cs_check_advise(line, "programs are interpreted, each watched packet costs several times more");
}

static void check_lockdown(struct cs_check *check)
{
    struct cs_check_line *line;

    if (check->kernel.lockdown == CS_LOCKDOWN_CONFIDENTIALITY) {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "lockdown", "confidentiality");
        cs_check_advise(line, "BPF may not read kernel memory, what is lost by that shows below");
        return;
    }
    cs_check_add(&check->report, CS_CHECK_OK, "lockdown", "%s",
                 check->kernel.lsm_known ? cs_lockdown_name(check->kernel.lockdown)
                                         : "not shown here (no securityfs); what the kernel "
                                           "refuses shows below");
}

static void check_features(struct cs_check *check)
{
    const uint64_t needed = CS_CAP(CAP_BPF) | CS_CAP(CAP_NET_ADMIN);
    char absent[CS_CHECK_TEXT_MAX] = "";
    size_t n, len = 0, found = 0;
    const struct cs_bpf_feature *features = cs_bpf_features(&n);
    struct cs_check_line *line;

    if (cs_capabilities_missing(needed, check->capabilities.effective) != 0)
        return; /* a probe's answer would mean nothing; the capabilities' line says why */
    for (size_t i = 0; i < n; i++) {
        if (cs_bpf_feature_probe(i) > 0) {
            found++;
            continue;
        }
        len += (size_t)snprintf(absent + len, sizeof(absent) - len, "%s%s", len > 0 ? ", " : "",
                                features[i].name);
    }
    if (found == n) {
        cs_check_add(&check->report, CS_CHECK_OK, "BPF features",
                     "all %zu: ring buffer, socket storage, cgroup and sock_ops programs", n);
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_MISSING, "BPF features", "not there: %s", absent);
    cs_check_advise(line, "a kernel with CONFIG_BPF_SYSCALL, CONFIG_CGROUP_BPF and CONFIG_NET is "
                          "needed, 5.10 or newer");
}

void cs_check_kernel(struct cs_check *check)
{
    cs_kernel_read("", &check->kernel);
    check_version(check);
    check_btf(check);
    check_jit(check);
    check_lockdown(check);
    check_features(check);
}

struct census {
    unsigned int cgroups;
    unsigned int pods;
};

static int count_cgroup(uint64_t id, const char *path, void *context)
{
    struct cs_cgroup_identity identity;
    struct census *census = context;

    (void)id;
    cs_cgroup_identify((struct cs_slice){path, strlen(path)}, false, &identity);
    census->cgroups++;
    census->pods += identity.kind == CS_CGROUP_POD && identity.container_id[0] == '\0';
    return 0;
}

/* Where pods are in v1 hierarchies only, every id is the v2 root's. */
static void check_v1(struct cs_check *check)
{
    struct cs_check_line *line =
        cs_check_add(&check->report, CS_CHECK_DEGRADED, "cgroup v1",
                     "runtimes here keep pods in v1 hierarchies, which have no cgroup ids");

    if (cs_procfs_sees_host())
        cs_check_advise(line, "who asks is read from /proc/PID/cgroup, too late for the shortest "
                              "processes");
    else
        cs_check_advise(line, "who asks stays unknown; with hostPID it is read from "
                              "/proc/PID/cgroup");
}

void cs_check_cgroup(struct cs_check *check)
{
    const char *directory = check->config.cgroup[0] != '\0' ? check->config.cgroup : NULL;
    struct census census = {0};
    char why[CS_CHECK_TEXT_MAX];
    struct cs_check_line *line;

    if (cs_cgroup_fs_open(directory, &check->cgroup, why, sizeof(why)) < 0) {
        cs_check_add(&check->report, CS_CHECK_MISSING, "cgroup", "%s", why);
        return;
    }
    cs_cgroup_fs_walk(&check->cgroup, count_cgroup, &census);
    line = cs_check_add(&check->report, check->cgroup.true_root ? CS_CHECK_OK : CS_CHECK_DEGRADED,
                        "cgroup", "%s, %s at %.256s, cgroups: %u, pods: %u",
                        cs_cgroup_layout_name(check->cgroup.layout),
                        check->cgroup.true_root ? "the node's root" : "a part of it",
                        check->cgroup.path, census.cgroups, census.pods);
    if (!check->cgroup.true_root)
        cs_check_advise(line, "what is outside of it is not seen");
    if (check->cgroup.layout == CS_CGROUP_LAYOUT_V1 ||
        (check->cgroup.layout == CS_CGROUP_LAYOUT_NONE && check->cgroup.mount_fd >= 0))
        check_v1(check);
}
