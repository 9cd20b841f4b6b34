/* SPDX-License-Identifier: Apache-2.0 */
#include "io/capabilities.h"

#include "base/cleanup.h"
#include "base/kernel_version.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

/* Map look-ups by descriptor ask for no capability from this version on. */
#define KERNEL_FREE_LOOKUP CS_KERNEL(5, 19)
/* BPF memory is charged to the memory cgroup, no longer to RLIMIT_MEMLOCK (kernel 5.11). */
#define KERNEL_NO_MEMLOCK CS_KERNEL(5, 11)

static const struct {
    unsigned int capability;
    const char *name;
} names[] = {
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
    {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
    {CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
    {CAP_SETPCAP, "CAP_SETPCAP"},
    {CAP_PERFMON, "CAP_PERFMON"},
    {CAP_BPF, "CAP_BPF"},
};

static void cap_release(cap_t *state)
{
    if (*state)
        cap_free(*state);
}

static uint64_t flag_mask(cap_t state, cap_flag_t flag)
{
    uint64_t mask = 0;

    for (int i = 0; i < cap_max_bits() && i < 64; i++) {
        cap_flag_value_t value = CAP_CLEAR;

        if (cap_get_flag(state, i, flag, &value) == 0 && value == CAP_SET)
            mask |= CS_CAP(i);
    }
    return mask;
}

int cs_capabilities_read(struct cs_capabilities *capabilities)
{
    CS_CLEANUP(cap_release) cap_t state = cap_get_proc();
    int no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

    if (!state || no_new_privs < 0)
        return -errno;
    capabilities->effective = flag_mask(state, CAP_EFFECTIVE);
    capabilities->permitted = flag_mask(state, CAP_PERMITTED);
    capabilities->bounding = 0;
    for (int i = 0; i < cap_max_bits() && i < 64; i++)
        if (cap_get_bound(i) == 1)
            capabilities->bounding |= CS_CAP(i);
    capabilities->no_new_privs = no_new_privs == 1;
    return 0;
}

const char *cs_capability_name(unsigned int capability, char *buffer, size_t size)
{
    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++)
        if (names[i].capability == capability)
            return names[i].name;
    snprintf(buffer, size, "CAP_%u", capability);
    return buffer;
}

const char *cs_capabilities_text(uint64_t set, char *text, size_t size)
{
    size_t len = 0;

    cs_text_copy(text, size, "none", 4);
    for (unsigned int i = 0; i < 64; i++) {
        char buffer[16];
        int n;

        if (!(set & CS_CAP(i)))
            continue;
        n = snprintf(text + len, size - len, "%s%s", len > 0 ? ", " : "",
                     cs_capability_name(i, buffer, sizeof(buffer)));
        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
    return text;
}

uint64_t cs_capabilities_needed(const struct cs_capability_needs *needs)
{
    uint64_t set = CS_CAP(CAP_BPF) | CS_CAP(CAP_PERFMON) | CS_CAP(CAP_NET_ADMIN);

    if (needs->kernel < KERNEL_NO_MEMLOCK && !needs->memlock_enough)
        set |= CS_CAP(CAP_SYS_RESOURCE);
    if (needs->private_mount)
        set |= CS_CAP(CAP_SYS_ADMIN);
    if (needs->open_by_handle)
        set |= CS_CAP(CAP_DAC_READ_SEARCH);
    return set;
}

uint64_t cs_capabilities_missing(uint64_t needed, uint64_t effective)
{
    /* bpf_capable(), perfmon_capable() and bpf_net_capable() all accept it. */
    if (effective & CS_CAP(CAP_SYS_ADMIN))
        effective |= CS_CAP(CAP_BPF) | CS_CAP(CAP_PERFMON) | CS_CAP(CAP_NET_ADMIN);
    return needed & ~effective;
}

uint64_t cs_capabilities_remainder(const struct cs_capability_needs *needs)
{
    uint64_t set = needs->kernel < KERNEL_FREE_LOOKUP ? CS_CAP(CAP_BPF) : 0;

    return needs->open_by_handle ? set | CS_CAP(CAP_DAC_READ_SEARCH) : set;
}

static int set_process(uint64_t keep)
{
    CS_CLEANUP(cap_release) cap_t state = cap_init();

    if (!state)
        return -errno;
    for (int i = 0; i < cap_max_bits() && i < 64; i++) {
        cap_value_t value = i;

        if (!(keep & CS_CAP(i)))
            continue;
        if (cap_set_flag(state, CAP_PERMITTED, 1, &value, CAP_SET) < 0 ||
            cap_set_flag(state, CAP_EFFECTIVE, 1, &value, CAP_SET) < 0)
            return -errno;
    }
    return cap_set_proc(state) < 0 ? -errno : 0;
}

int cs_capabilities_shed(uint64_t keep)
{
    struct cs_capabilities now;
    bool empty_bounding;
    int r = cs_capabilities_read(&now);

    if (r < 0)
        return r;
    keep &= now.permitted;
    empty_bounding = (now.effective & CS_CAP(CAP_SETPCAP)) != 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || cap_reset_ambient() < 0)
        return -errno;
    for (int i = 0; empty_bounding && i < cap_max_bits(); i++)
        if (cap_get_bound(i) == 1 && cap_drop_bound(i) < 0)
            return -errno;
    r = set_process(keep);
    if (r < 0)
        return r;
    r = cs_capabilities_read(&now);
    if (r < 0)
        return r;
    if (now.permitted != keep || now.effective != keep || !now.no_new_privs ||
        (empty_bounding && now.bounding != 0))
        return -EPERM;
    return 0;
}
