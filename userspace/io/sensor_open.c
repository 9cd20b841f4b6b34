/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading. An object loads as a whole, and what a kernel refuses it may refuse at load or only at
 * attach: so each token hook is tried in an object that loads nothing else, which costs the
 * verifier little, before all is loaded with the first that works. What is optional never keeps
 * the rest from running.
 */
#include "io/sensor_internal.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

static const char *const hook_names[] = {
    [CS_TOKEN_HOOK_FEXIT] = "fexit",
    [CS_TOKEN_HOOK_KPROBE] = "kprobe",
    [CS_TOKEN_HOOK_TRACEPOINTS] = "tracepoints",
    [CS_TOKEN_HOOK_NONE] = "none",
};
_Static_assert(CS_ARRAY_SIZE(hook_names) == CS_TOKEN_HOOK_NONE + 1, "a name for every hook");

const char *cs_token_hook_name(enum cs_token_hook hook)
{
    return hook_names[hook];
}

/* Programs that need not load, by the start of their section. */
struct optional_program {
    const char *section;
    enum cs_token_hook token; /* CS_TOKEN_HOOK_NONE: for cgroup events */
    bool may_lack;            /* some kernels and machines have no such hook */
};

static const struct optional_program optional[] = {
    {"fexit/", CS_TOKEN_HOOK_FEXIT, false},
    {"kprobe/", CS_TOKEN_HOOK_KPROBE, false},
    {"tracepoint/syscalls/sys_exit_openat2", CS_TOKEN_HOOK_TRACEPOINTS, true},
    {"tracepoint/syscalls/sys_exit_openat", CS_TOKEN_HOOK_TRACEPOINTS, false},
    {"tracepoint/syscalls/sys_exit_open", CS_TOKEN_HOOK_TRACEPOINTS, true},
    {"raw_tp/cgroup_", CS_TOKEN_HOOK_NONE, true},
};

static const struct optional_program *optional_find(const struct bpf_program *program)
{
    const char *section = bpf_program__section_name(program);

    for (size_t i = 0; i < CS_ARRAY_SIZE(optional); i++)
        if (strncmp(section, optional[i].section, strlen(optional[i].section)) == 0)
            return &optional[i];
    return NULL;
}

/* What to load of the object. */
struct attempt {
    enum cs_token_hook token;
    bool cgroup_events;
    bool required;
    bool no_kernel_reads; /* lockdown=confidentiality has no bpf_probe_read_kernel */
};

static bool is_wanted(const struct optional_program *program, const struct attempt *attempt)
{
    if (!program)
        return attempt->required;
    return program->token == CS_TOKEN_HOOK_NONE ? attempt->cgroup_events
                                                : program->token == attempt->token;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    cs_log_va(CS_LOG_DEBUG, format, args);
    return 0;
}

static int load(struct cs_sensor *sensor, const struct cs_sensor_config *config,
                const struct attempt *attempt, struct cs_sensor_error *error)
{
    struct bpf_program *program;
    int err;

    sensor->skeleton = credscope_bpf__open();
    if (!sensor->skeleton)
        return cs_sensor_fail(
            error, -errno, "cannot open the kernel half: %s%s", strerror(errno),
            errno == ENOENT || errno == ESRCH ? " (no BTF in /sys/kernel/btf/vmlinux?)" : "");
    sensor->program_count = 0;
    bpf_object__for_each_program(program, sensor->skeleton->obj)
    {
        const struct optional_program *may = optional_find(program);

        if (sensor->program_count == CS_SENSOR_PROGRAMS_MAX)
            return cs_sensor_fail(error, -E2BIG, "more programs than the loader knows of");
        bpf_program__set_autoload(program, is_wanted(may, attempt));
        sensor->handles[sensor->program_count] = program;
        sensor->programs[sensor->program_count++] = (struct cs_sensor_program){
            .name = bpf_program__name(program),
            .hook = bpf_program__section_name(program),
            .required = !may,
            .fd = -1,
        };
    }
    err = cs_sensor_configure(sensor->skeleton, config, error);
    if (err)
        return err;
    sensor->skeleton->rodata->config.read_kernel = !attempt->no_kernel_reads;
    err = credscope_bpf__load(sensor->skeleton);
    if (err)
        return cs_sensor_fail(error, err, "the kernel refuses the kernel half: %s%s",
                              strerror(-err),
                              err == -EPERM ? " (needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and "
                                              "below Linux 5.11 a raised RLIMIT_MEMLOCK)"
                                            : "");
    for (size_t i = 0; i < sensor->program_count; i++)
        sensor->programs[i].fd = bpf_program__fd(sensor->handles[i]);
    return 0;
}

static void unload(struct cs_sensor *sensor)
{
    for (size_t i = 0; i < sensor->program_count; i++) {
        bpf_link__destroy(sensor->links[i]);
        sensor->links[i] = NULL;
    }
    credscope_bpf__destroy(sensor->skeleton);
    sensor->skeleton = NULL;
    sensor->program_count = 0;
}

static struct bpf_link *attach(const struct bpf_program *program)
{
    struct bpf_link *link = bpf_program__attach(program);

    return link || !cs_sensor_is_tracepoint(program) ? link : cs_sensor_attach_tracepoint(program);
}

/* Attach the optional programs that were loaded. Fails when one that the token hook can't do
 * without does. */
static int attach_optional(struct cs_sensor *sensor, struct cs_sensor_error *error)
{
    for (size_t i = 0; i < sensor->program_count; i++) {
        const struct optional_program *may = optional_find(sensor->handles[i]);
        struct cs_sensor_program *program = &sensor->programs[i];

        if (!may || program->fd < 0)
            continue;
        sensor->links[i] = attach(sensor->handles[i]);
        program->attached = sensor->links[i];
        if (!sensor->links[i] && !may->may_lack)
            return cs_sensor_fail(error, -errno, "cannot attach %s: %s", program->hook,
                                  strerror(errno));
    }
    return 0;
}

static int load_attached(struct cs_sensor *sensor, const struct cs_sensor_config *config,
                         const struct attempt *attempt, struct cs_sensor_error *error)
{
    int err = load(sensor, config, attempt, error);

    if (!err)
        err = attach_optional(sensor, error);
    if (err)
        unload(sensor);
    return err;
}

/* The first token hook that loads and attaches by itself. */
static enum cs_token_hook choose_token(struct cs_sensor *sensor,
                                       const struct cs_sensor_config *config)
{
    struct attempt alone = {.token = config->token_hook};
    struct cs_sensor_error error;

    if (config->no_token_opens)
        return CS_TOKEN_HOOK_NONE;
    for (; alone.token != CS_TOKEN_HOOK_NONE; alone.token++) {
        if (load_attached(sensor, config, &alone, &error) == 0) {
            unload(sensor);
            break;
        }
        snprintf(sensor->token_why[alone.token], CS_SENSOR_WHY_MAX, "%s", error.text);
    }
    return alone.token;
}

static int load_best(struct cs_sensor *sensor, const struct cs_sensor_config *config,
                     struct cs_sensor_error *error)
{
    struct attempt attempt = {
        .token = choose_token(sensor, config),
        .cgroup_events = !config->no_cgroup_events,
        .required = true,
    };
    struct cs_sensor_error last;
    int err = load_attached(sensor, config, &attempt, error);

    if (err && attempt.cgroup_events) {
        attempt.cgroup_events = false;
        err = load_attached(sensor, config, &attempt, error);
    }
    if (err == -EINVAL) {
        attempt.token = CS_TOKEN_HOOK_NONE;
        attempt.no_kernel_reads = true;
        err = load_attached(sensor, config, &attempt, &last) ? err : 0;
    }
    sensor->token_hook = attempt.token;
    sensor->reads_kernel = !attempt.no_kernel_reads;
    return err;
}

static void sensor_free(struct cs_sensor **sensor)
{
    cs_sensor_free(*sensor);
}

int cs_sensor_open(const struct cs_sensor_config *config, struct cs_sensor **sensor,
                   struct cs_sensor_error *error)
{
    CS_CLEANUP(sensor_free) struct cs_sensor *new = calloc(1, sizeof(*new));
    int err;

    error->text[0] = '\0';
    if (!new)
        return cs_sensor_fail(error, -ENOMEM, "out of memory");
    new->stats_fd = -1;
    for (size_t i = 0; i < CS_SENSOR_PROGRAMS_MAX; i++)
        new->cgroup_links[i] = -1;
    /* libbpf itself raises RLIMIT_MEMLOCK where the kernel charges maps to it (below 5.11). */
    libbpf_set_print(print_libbpf);
    err = load_best(new, config, error);
    if (!err)
        err = cs_sensor_fill(new->skeleton, config, error);
    if (!err)
        err = cs_sensor_ring_make(new, error);
    if (err)
        return err;
    error->text[0] = '\0';
    *sensor = TAKE_PTR(new);
    return 0;
}
