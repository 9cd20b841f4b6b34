/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check.h"

#include "app/check/command_check_parts.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_json(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    (void)why;
    ((struct cs_check *)target)->json = strcmp(value, "true") == 0;
    return 0;
}

static const struct cs_option own_options[] = {
    {NULL, NULL, "Output:", NULL, false},
    {"json", NULL, "one JSON object instead of lines", set_json, false},
};

/* Our own options, then those of `run`, so that one set of flags does for both. */
static struct cs_option_command command_make(struct cs_option options[CS_OPTIONS_MAX])
{
    const size_t own = CS_ARRAY_SIZE(own_options);
    size_t n;
    const struct cs_option *of_run = cs_config_options(&n);

    if (n > CS_OPTIONS_MAX - own)
        n = CS_OPTIONS_MAX - own;
    memcpy(options, own_options, sizeof(own_options));
    memcpy(options + own, of_run, n * sizeof(*of_run));
    return (struct cs_option_command){
        .name = "check",
        .intro = "Say what `credscope run` with these options needs of this node, a line each: ok, "
                 "degraded (and what is lost), missing (and what to do). The sensor is loaded and "
                 "attached for a moment.",
        .outro = "Each option is also an environment variable, as for run.\n\n"
                 "Exit status: 0 all is ok or degraded, 1 the check itself failed, 2 something is "
                 "missing or the usage is wrong.",
        .options = options,
        .count = own + n,
    };
}

void cs_command_check_help(void)
{
    struct cs_option options[CS_OPTIONS_MAX];
    const struct cs_option_command command = command_make(options);

    cs_options_help(&command);
}

static bool wants_colour(void)
{
    const char *terminal = getenv("TERM"), *none = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !(none && *none != '\0') && terminal &&
           strcmp(terminal, "dumb") != 0;
}

int cs_command_check(int argc, char **argv)
{
    _cleanup_free_ struct cs_check *check = calloc(1, sizeof(*check)); /* large */
    struct cs_option options[CS_OPTIONS_MAX];
    const struct cs_option_command command = command_make(options);
    int r;

    if (!check)
        return CS_EXIT_FAILED;
    check->cgroup = (struct cs_cgroup_fs)CS_CGROUP_FS_INIT;
    cs_config_default(&check->config);
    r = cs_options_parse(&command, argc, argv, check);
    if (r != 0)
        return r < 0 ? CS_EXIT_USAGE : CS_EXIT_OK;
    cs_log_setup(CS_LOG_ERROR, CS_LOG_TEXT);
    if (cs_check_begin(check) < 0)
        return CS_EXIT_FAILED;
    cs_check_kernel(check);
    cs_check_cgroup(check);
    cs_check_rights(check);
    cs_check_sensor(check);
    cs_check_names(check);
    cs_check_places(check);
    cs_check_files(check);
    cs_cgroup_fs_close(&check->cgroup);
    if (!check->json)
        cs_check_print(&check->report, wants_colour(), stdout);
    else if (cs_check_print_json(&check->report, stdout) < 0)
        return CS_EXIT_FAILED;
    if (fflush(stdout) != 0)
        return CS_EXIT_FAILED;
    return cs_check_worst(&check->report) == CS_CHECK_MISSING ? CS_EXIT_USAGE : CS_EXIT_OK;
}
