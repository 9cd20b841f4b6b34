/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kernel.h"

#include "base/file.h"
#include "base/util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const lockdown_names[] = {
    [CS_LOCKDOWN_NONE] = "none",
    [CS_LOCKDOWN_INTEGRITY] = "integrity",
    [CS_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
};
_Static_assert(CS_ARRAY_SIZE(lockdown_names) == CS_LOCKDOWN_END, "a name for each mode");

static const char *const cloud_names[] = {
    [CS_CLOUD_UNKNOWN] = "~unknown",
    [CS_CLOUD_AWS] = "aws",
    [CS_CLOUD_AZURE] = "azure",
};
_Static_assert(CS_ARRAY_SIZE(cloud_names) == CS_CLOUD_END, "a name for each cloud");

const char *cs_lockdown_name(enum cs_lockdown lockdown)
{
    return lockdown < CS_LOCKDOWN_END ? lockdown_names[lockdown] : lockdown_names[0];
}

const char *cs_cloud_name(enum cs_cloud cloud)
{
    return cloud < CS_CLOUD_END ? cloud_names[cloud] : cloud_names[CS_CLOUD_UNKNOWN];
}

uint32_t cs_kernel_version(const char *release)
{
    unsigned int major, minor;

    if (sscanf(release, "%4u.%4u", &major, &minor) != 2 || major > UINT16_MAX || minor > UINT16_MAX)
        return 0;
    return CS_KERNEL(major, minor);
}

/* The file's first line, "" when it can't be read. */
static bool line_read(const char *root, const char *path, char *line, size_t size)
{
    char full[PATH_MAX];

    line[0] = '\0';
    if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full) ||
        cs_file_read(full, line, size) < 0) {
        line[0] = '\0';
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static bool readable(const char *root, const char *path)
{
    char full[PATH_MAX];

    return snprintf(full, sizeof(full), "%s%s", root, path) < (int)sizeof(full) &&
           access(full, R_OK) == 0;
}

static int number_read(const char *root, const char *path)
{
    char line[32];
    uint64_t value;

    if (!line_read(root, path, line, sizeof(line)) || cs_parse_u64(line, 0, INT_MAX, &value) < 0)
        return -1;
    return (int)value;
}

/* word is an element of a comma-separated list. */
static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; *at != '\0'; at += strspn(at, ",")) {
        size_t n = strcspn(at, ",");

        if (n == len && memcmp(at, word, len) == 0)
            return true;
        at += n;
    }
    return false;
}

/* "[none] integrity confidentiality": the active mode is in brackets. */
static enum cs_lockdown lockdown_parse(const char *text)
{
    for (int mode = CS_LOCKDOWN_NONE; mode < CS_LOCKDOWN_END; mode++) {
        char bracketed[32];

        snprintf(bracketed, sizeof(bracketed), "[%s]", lockdown_names[mode]);
        if (strstr(text, bracketed))
            return (enum cs_lockdown)mode;
    }
    return CS_LOCKDOWN_NONE;
}

static enum cs_cloud cloud_read(const char *root)
{
    /* Azure's own value; Microsoft as the vendor could be any Hyper-V. */
    static const char azure_tag[] = "7783-7084-3265-9085-8269-3286-77";
    char line[256];

    line_read(root, "/sys/class/dmi/id/sys_vendor", line, sizeof(line));
    if (strcmp(line, "Amazon EC2") == 0)
        return CS_CLOUD_AWS;
    line_read(root, "/sys/hypervisor/uuid", line, sizeof(line));
    if (strncmp(line, "ec2", 3) == 0)
        return CS_CLOUD_AWS;
    line_read(root, "/sys/class/dmi/id/chassis_asset_tag", line, sizeof(line));
    if (strcmp(line, azure_tag) == 0)
        return CS_CLOUD_AZURE;
    return CS_CLOUD_UNKNOWN;
}

void cs_kernel_read(const char *root, struct cs_kernel *kernel)
{
    struct utsname names;
    char line[1024];

    memset(kernel, 0, sizeof(*kernel));
    if (uname(&names) == 0) {
        cs_text_copy(kernel->release, sizeof(kernel->release), names.release,
                     strlen(names.release));
        cs_text_copy(kernel->machine, sizeof(kernel->machine), names.machine,
                     strlen(names.machine));
        kernel->version = cs_kernel_version(names.release);
    }
    kernel->btf = readable(root, "/sys/kernel/btf/vmlinux");
    kernel->lsm_known = line_read(root, "/sys/kernel/security/lsm", line, sizeof(line));
    kernel->bpf_lsm = list_has(line, "bpf");
    line_read(root, "/sys/kernel/security/lockdown", line, sizeof(line));
    kernel->lockdown = lockdown_parse(line);
    kernel->tracefs =
        readable(root, "/sys/kernel/tracing/events/syscalls/sys_enter_openat/id") ||
        readable(root, "/sys/kernel/debug/tracing/events/syscalls/sys_enter_openat/id");
    kernel->kprobes = readable(root, "/sys/bus/event_source/devices/kprobe/type");
    kernel->jit = number_read(root, "/proc/sys/net/core/bpf_jit_enable");
    kernel->unprivileged_bpf_disabled =
        number_read(root, "/proc/sys/kernel/unprivileged_bpf_disabled");
    kernel->cloud = cloud_read(root);
}
