/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check_parts.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "io/http_server_listen.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Cut path to what of it exists. */
static void existing_part(char *path)
{
    while (access(path, F_OK) < 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');

        if (!slash)
            return;
        slash[slash == path] = '\0';
        if (slash == path)
            return;
    }
}

static void check_state_dir(struct cs_check *check)
{
    char part[PATH_MAX];
    struct cs_check_line *line;

    if (check->config.state_dir[0] == '\0') {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "state directory", "none");
        cs_check_advise(line, "last-seen times are lost at a restart");
        return;
    }
    cs_text_copy(part, sizeof(part), check->config.state_dir, strlen(check->config.state_dir));
    existing_part(part);
    if (access(part, W_OK | X_OK) == 0) {
        cs_check_add(&check->report, CS_CHECK_OK, "state directory", "%.256s%s",
                     check->config.state_dir,
                     strcmp(part, check->config.state_dir) == 0 ? "" : ", to be made");
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_DEGRADED, "state directory", "%.256s: %s", part,
                        strerror(errno));
    cs_check_advise(line, "last-seen times are lost at a restart; mount a volume there, or give "
                          "--state-dir");
}

static void check_tcp(struct cs_check *check, const char *name, const char *flag,
                      const struct cs_listen *listen)
{
    int fd = cs_http_listen(&listen->address.sa, listen->len, listen->any);
    struct cs_check_line *line;

    if (fd >= 0) {
        close(fd);
        cs_check_add(&check->report, CS_CHECK_OK, name, "%s", listen->text);
        return;
    }
    line =
        cs_check_add(&check->report, CS_CHECK_MISSING, name, "%s: %s", listen->text, strerror(-fd));
    if (fd == -EADDRINUSE)
        cs_check_advise(line, "does a credscope run already? Else give another with %s", flag);
    else
        cs_check_advise(line, "give another with %s", flag);
}

static const char SERVED[] = "somebody listens there";

/* Somebody answers at the socket. */
static bool is_served(const struct cs_listen *listen)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd >= 0 && (connect(fd, &listen->address.sa, listen->len) == 0 || errno == EAGAIN);
}

/* Why the socket can't be made, NULL if it can: `run` makes its directory, not that one's. */
static const char *unix_obstacle(const struct cs_listen *listen)
{
    const char *path = listen->address.un.sun_path;
    char part[sizeof(listen->address.un.sun_path)];
    struct stat st;

    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return "is there, and is no socket";
    if (is_served(listen))
        return SERVED;
    cs_text_copy(part, sizeof(part), path, strlen(path));
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(part, '/');

        slash[slash == part] = '\0';
        if (access(part, W_OK | X_OK) == 0)
            return NULL;
        if (errno != ENOENT)
            break;
    }
    return strerror(errno);
}

static void check_unix(struct cs_check *check, const char *name, const struct cs_listen *listen)
{
    const char *obstacle = unix_obstacle(listen);
    struct cs_check_line *line;

    if (!obstacle) {
        cs_check_add(&check->report, CS_CHECK_OK, name, "%s", listen->text);
        return;
    }
    line = cs_check_add(&check->report, CS_CHECK_MISSING, name, "%s: %s", listen->text, obstacle);
    cs_check_advise(line, obstacle == SERVED
                              ? "does a credscope run already? Else give another with --api-listen"
                              : "give another with --api-listen, or mount a volume there");
}

void cs_check_places(struct cs_check *check)
{
    check_state_dir(check);
    check_tcp(check, "metrics", "--listen", &check->config.listen);
    if (check->config.api_listen.address.sa.sa_family == AF_UNIX)
        check_unix(check, "API", &check->config.api_listen);
    else
        check_tcp(check, "API", "--api-listen", &check->config.api_listen);
}
