/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching where libbpf gives up: it looks for a tracepoint's number in the tracefs mounted at
 * the usual places, and containers (and some machines) have none there. A private mount, attached
 * to no place and gone with its descriptor, has the numbers as well.
 */
#include "io/sensor_internal.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define TRACEPOINT "tracepoint/"

/* A descriptor of the private mount's root, or -errno (-EPERM without CAP_SYS_ADMIN). */
static int mount_tracefs(void)
{
    _cleanup_close_ int context = fsopen("tracefs", FSOPEN_CLOEXEC);
    int fd;

    if (context < 0)
        return -errno;
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    fd =
        fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return fd < 0 ? -errno : fd;
}

/* The number of "category/name", or -errno (-ENOENT: this kernel has no such tracepoint). */
static int read_number(int tracefs, const char *tracepoint)
{
    char path[128], text[16] = "";
    _cleanup_close_ int fd = -1;
    uint64_t number;

    if (snprintf(path, sizeof(path), "events/%s/id", tracepoint) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
        return -errno;
    text[strcspn(text, "\n")] = '\0';
    return cs_parse_u64(text, 1, INT32_MAX, &number) < 0 ? -EBADMSG : (int)number;
}

static int open_event(int number)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof(attributes),
        .config = (uint64_t)number,
        .sample_period = 1,
        .wakeup_events = 1,
    };
    /* The processor named counts nothing for BPF: the program runs on all of them. */
    long fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

    return fd < 0 ? -errno : (int)fd;
}

struct bpf_link *cs_sensor_attach_tracepoint(const struct bpf_program *program)
{
    const char *section = bpf_program__section_name(program);
    _cleanup_close_ int tracefs = mount_tracefs();
    _cleanup_close_ int event = -1;
    struct bpf_link *link;
    int number;

    number = tracefs < 0 ? tracefs : read_number(tracefs, section + strlen(TRACEPOINT));
    event = number < 0 ? number : open_event(number);
    if (event < 0) {
        errno = -event;
        return NULL;
    }
    link = bpf_program__attach_perf_event(program, event);
    if (link)
        TAKE_FD(event); /* the link closes it */
    return link;
}

bool cs_sensor_is_tracepoint(const struct bpf_program *program)
{
    return strncmp(bpf_program__section_name(program), TRACEPOINT, strlen(TRACEPOINT)) == 0;
}
