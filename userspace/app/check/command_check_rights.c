/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check_parts.h"
#include "base/kernel_version.h"
#include "base/util.h"

#include <sys/resource.h>

/* Enough for the maps and the ring below 5.11, where RLIMIT_MEMLOCK bounds them. */
#define MEMLOCK_ENOUGH (UINT64_C(64) << 20)

int cs_check_begin(struct cs_check *check)
{
    struct rlimit limit;

    check->memlock_enough = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
                            (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= MEMLOCK_ENOUGH);
    return cs_capabilities_read(&check->capabilities);
}

static void check_capabilities(struct cs_check *check, const struct cs_capability_needs *needs)
{
    uint64_t needed = cs_capabilities_needed(needs);
    uint64_t missing = cs_capabilities_missing(needed, check->capabilities.effective);
    uint64_t rest = cs_capabilities_remainder(needs);
    char text[CS_CHECK_TEXT_MAX / 2], kept[128];
    struct cs_check_line *line;

    if (missing == 0) {
        cs_check_add(&check->report, CS_CHECK_OK, "capabilities", "%s; after attach: %s",
                     cs_capabilities_text(needed, text, sizeof(text)),
                     cs_capabilities_text(rest, kept, sizeof(kept)));
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_MISSING, "capabilities", "without %s",
                        cs_capabilities_text(missing, text, sizeof(text)));
    cs_check_advise(line,
                    "run as root, or add %s to the container's "
                    "securityContext.capabilities",
                    missing & (missing - 1) ? "them" : "it");
}

static void check_memlock(struct cs_check *check, const struct cs_capability_needs *needs)
{
    struct cs_check_line *line;

    if (check->kernel.version >= CS_KERNEL(5, 11) || needs->memlock_enough) {
        cs_check_add(&check->report, CS_CHECK_OK, "RLIMIT_MEMLOCK", "%s",
                     check->kernel.version >= CS_KERNEL(5, 11) ? "no bound to BPF on this kernel"
                                                               : "64 MiB or more");
        return;
    }
    if (check->capabilities.effective & CS_CAP(CAP_SYS_RESOURCE)) {
        cs_check_add(&check->report, CS_CHECK_OK, "RLIMIT_MEMLOCK",
                     "bounds BPF on this kernel, and will be raised");
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_MISSING, "RLIMIT_MEMLOCK",
                        "bounds BPF on this kernel to less than 64 MiB");
    cs_check_advise(line, "raise it (LimitMEMLOCK=infinity), or add CAP_SYS_RESOURCE");
}

void cs_check_rights(struct cs_check *check)
{
    const struct cs_capability_needs needs = {
        .kernel = check->kernel.version,
        .memlock_enough = check->memlock_enough,
        .private_mount = check->cgroup.fd >= 0 && check->cgroup.mount_fd >= 0,
        .open_by_handle = false,
    };

    check_capabilities(check, &needs);
    check_memlock(check, &needs);
}
