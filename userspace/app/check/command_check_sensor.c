/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check_parts.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "io/bpf_query.h"
#include "io/sensor.h"

#include <errno.h>
#include <string.h>

/* What is known of each way to see token files being opened. */
static const struct {
    const char *how;
    const char *lost; /* NULL: nothing */
} token_hooks[] = {
    [CS_TOKEN_HOOK_FEXIT] = {"fexit on the kernel's open", NULL},
    [CS_TOKEN_HOOK_KPROBE] = {"kprobe on the kernel's open", NULL},
    [CS_TOKEN_HOOK_TRACEPOINTS] = {"syscall tracepoints",
                                   "every syscall of the node costs some 50 ns more, an openat "
                                   "400-500 ns"},
    [CS_TOKEN_HOOK_NONE] = {"none", "token-file opens are not seen, so IRSA is told from other STS "
                                    "calls with less confidence"},
};
_Static_assert(CS_ARRAY_SIZE(token_hooks) == CS_TOKEN_HOOK_NONE + 1, "a row for each hook");

static void sensor_release(struct cs_sensor **sensor)
{
    cs_sensor_free(*sensor);
}

/* Programs that others have at one hook: the names, and how many. */
static size_t others_list(int cgroup_fd, enum bpf_attach_type hook, const char *label, char *text,
                          size_t size)
{
    struct cs_bpf_program programs[CS_BPF_PROGRAMS_MAX];
    size_t n = 0, len = strlen(text);

    if (cs_bpf_query_attached(cgroup_fd, hook, programs, &n) < 0)
        return 0;
    for (size_t i = 0; i < n && len < size; i++) {
        int written =
            snprintf(text + len, size - len, "%s%s %s (id %u)", len > 0 ? ", " : "", label,
                     programs[i].name[0] != '\0' ? programs[i].name : "unnamed", programs[i].id);

        len += written > 0 ? (size_t)written : 0;
    }
    return n;
}

static void check_others(struct cs_check *check, size_t others, const char *names, bool first)
{
    struct cs_check_line *line;

    if (others == 0 || first) {
        cs_check_add(
            &check->report, CS_CHECK_OK, "other programs", "%s%s",
            others == 0 ? "none at connect" : "at connect, and ours run before them: ", names);
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "other programs",
                        "at connect, before ours: %s", names);
    cs_check_advise(line, "if one rewrites destinations (a socket load balancer), the rewritten "
                          "address is what is seen");
}

static void check_token_hook(struct cs_check *check, const struct cs_sensor *sensor)
{
    enum cs_token_hook hook = cs_sensor_token_hook(sensor);
    char why[CS_CHECK_TEXT_MAX] = "";
    struct cs_check_line *line;
    size_t len = 0;

    for (int better = 0; better < (int)hook && len < sizeof(why); better++) {
        const char *reason = cs_sensor_token_why(sensor, (enum cs_token_hook)better);
        /* What is behind a parenthesis is the loader's advice, not the reason. */
        int n = snprintf(why + len, sizeof(why) - len, "%s%s: %.*s", len > 0 ? "; " : "",
                         cs_token_hook_name((enum cs_token_hook)better),
                         (int)(strcspn(reason, "(")), reason[0] != '\0' ? reason : "not tried");

        while (n > 0 && (size_t)n < sizeof(why) - len && why[len + (size_t)n - 1] == ' ')
            n--;

        len += n > 0 ? (size_t)n : 0;
    }
    line = cs_check_add(&check->report, token_hooks[hook].lost ? CS_CHECK_DEGRADED : CS_CHECK_OK,
                        "token opens", "%s%s%s%s", token_hooks[hook].how, len > 0 ? " (" : "", why,
                        len > 0 ? ")" : "");
    if (token_hooks[hook].lost)
        cs_check_advise(line, "%s%s", token_hooks[hook].lost,
                        hook == CS_TOKEN_HOOK_NONE && !check->kernel.tracefs &&
                                cs_sensor_reads_kernel(sensor)
                            ? " (with the host's /sys/kernel/tracing mounted, syscall tracepoints "
                              "could be used)"
                            : "");
}

static bool is_cgroup_event(const struct cs_sensor_program *program)
{
    return !program->required && strstr(program->hook, "cgroup_");
}

static void check_required(struct cs_check *check, const struct cs_sensor *sensor, size_t n)
{
    const char *where =
        check->cgroup.fd >= 0 ? " and attach" : "; there is no cgroup to attach them to";
    struct cs_check_line *line;

    if (cs_sensor_reads_kernel(sensor)) {
        cs_check_add(&check->report, CS_CHECK_OK, "programs", "%zu load%s", n, where);
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "programs",
                        "%zu load%s, without reading kernel memory", n, where);
    cs_check_advise(line, "%sboot with lockdown=integrity to have what is lost here and below",
                    check->kernel.version < CS_KERNEL(5, 15)
                        ? "the cgroup of an interceptor stays unknown, as do kernel threads that "
                          "connect; "
                        : "");
}

static void check_programs(struct cs_check *check, const struct cs_sensor *sensor)
{
    size_t n, required = 0, events = 0, attached = 0;
    const struct cs_sensor_program *programs = cs_sensor_programs(sensor, &n);
    struct cs_check_line *line;

    for (size_t i = 0; i < n; i++) {
        required += programs[i].required;
        events += is_cgroup_event(&programs[i]);
        attached += is_cgroup_event(&programs[i]) && programs[i].attached;
    }
    check_required(check, sensor, required);
    if (attached == events) {
        cs_check_add(&check->report, CS_CHECK_OK, "new cgroups", "seen as they are made");
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "new cgroups",
                        "the kernel's cgroup tracepoints can't be attached");
    cs_check_advise(line, "containers are looked up by id after the fact (CAP_DAC_READ_SEARCH), "
                          "those of less than a second may stay unknown");
}

void cs_check_sensor(struct cs_check *check)
{
    CS_CLEANUP(sensor_release) struct cs_sensor *sensor = NULL;
    const struct cs_sensor_config config = {.watch = &check->config.watchlist};
    char names[CS_CHECK_TEXT_MAX / 2] = "";
    struct cs_sensor_error error;
    size_t others = 0;
    int r;

    r = cs_sensor_open(&config, &sensor, &error);
    if (r == 0 && check->cgroup.fd >= 0) {
        others =
            others_list(check->cgroup.fd, BPF_CGROUP_INET4_CONNECT, "IPv4", names, sizeof(names));
        others +=
            others_list(check->cgroup.fd, BPF_CGROUP_INET6_CONNECT, "IPv6", names, sizeof(names));
        r = cs_sensor_attach(sensor, check->cgroup.fd, &error);
    }
    if (r < 0) {
        cs_check_add(&check->report, CS_CHECK_MISSING, "programs", "%s", error.text);
        return;
    }
    check_programs(check, sensor);
    if (check->cgroup.fd >= 0)
        check_others(check, others, names, cs_sensor_runs_first(sensor));
    check_token_hook(check, sensor);
}
