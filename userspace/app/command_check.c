/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command_check.h"

#include "app/command_check_parts.h"
#include "app/config_set.h"
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

static int set_listen(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return cs_listen_parse(value, false, &((struct cs_check *)target)->listen, why);
}

static int set_api_listen(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return cs_listen_parse(value, true, &((struct cs_check *)target)->api_listen, why);
}

static int set_state_dir(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return cs_state_dir_set(((struct cs_check *)target)->state_dir, value, why);
}

static int set_cgroup(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return cs_path_set(((struct cs_check *)target)->cgroup_dir, value, why);
}

static const struct cs_option options[] = {
    {NULL, NULL, "Output:", NULL, false},
    {"json", NULL, "one JSON object instead of lines", set_json, false},
    {NULL, NULL, "As `credscope run` would be given them:", NULL, false},
    {"listen", "ADDR:PORT", "(default :9810)", set_listen, false},
    {"api-listen", "unix:PATH|ADDR:PORT", "(default unix:" CS_DEFAULT_API_SOCKET ")",
     set_api_listen, false},
    {"state-dir", "DIR|none", "(default " CS_DEFAULT_STATE_DIR ")", set_state_dir, false},
    {"cgroup", "DIR", "(default: the root of cgroup v2)", set_cgroup, false},
};

static const struct cs_option_command command = {
    .name = "check",
    .synopsis = "",
    .intro = "Say what `credscope run` needs of this node, a line each: ok, degraded (and what is "
             "lost), missing (and what to do). The sensor is loaded and attached for a moment.",
    .outro = "Each option is also an environment variable: --state-dir is CREDSCOPE_STATE_DIR.\n\n"
             "Exit status: 0 all is ok or degraded, 1 the check itself failed, 2 something is "
             "missing or the usage is wrong.",
    .options = options,
    .count = CS_ARRAY_SIZE(options),
};

void cs_command_check_help(void)
{
    cs_options_help(&command);
}

static void defaults_set(struct cs_check *check)
{
    char why[CS_OPTION_WHY_MAX];

    memset(check, 0, sizeof(*check));
    check->cgroup = (struct cs_cgroup_fs)CS_CGROUP_FS_INIT;
    cs_listen_parse(CS_DEFAULT_LISTEN, false, &check->listen, why);
    cs_listen_parse("unix:" CS_DEFAULT_API_SOCKET, true, &check->api_listen, why);
    cs_state_dir_set(check->state_dir, CS_DEFAULT_STATE_DIR, why);
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
    int r;

    if (!check)
        return CS_EXIT_FAILED;
    defaults_set(check);
    r = cs_options_parse(&command, argc, argv, check);
    if (r != 0)
        return r < 0 ? CS_EXIT_USAGE : CS_EXIT_OK;
    cs_log_setup(CS_LOG_ERROR, CS_LOG_TEXT);
    if (cs_capabilities_read(&check->capabilities) < 0)
        return CS_EXIT_FAILED;
    cs_check_kernel(check);
    cs_check_cgroup(check);
    cs_check_rights(check);
    cs_check_sensor(check);
    cs_check_places(check);
    cs_cgroup_fs_close(&check->cgroup);
    if (!check->json)
        cs_check_print(&check->report, wants_colour(), stdout);
    else if (cs_check_print_json(&check->report, stdout) < 0)
        return CS_EXIT_FAILED;
    if (fflush(stdout) != 0)
        return CS_EXIT_FAILED;
    return cs_check_worst(&check->report) == CS_CHECK_MISSING ? CS_EXIT_USAGE : CS_EXIT_OK;
}
