/* SPDX-License-Identifier: Apache-2.0 */
/* Files that options name: each has a line when it is given. */
#include "app/check/command_check_parts.h"
#include "app/config/expect_file.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_EXPECT "expectations"

static size_t expired(const struct cs_expect *expect)
{
    int64_t now_s = (int64_t)time(NULL);
    size_t count = 0;

    for (size_t i = 0; i < cs_expect_count(expect); i++)
        count += cs_expect_at(expect, i)->until_s <= now_s;
    return count;
}

static void check_expect(struct cs_check *check)
{
    const char *path = check->config.expect;
    _cleanup_expect_ struct cs_expect *expect = NULL;
    char why[CS_EXPECT_ERROR_MAX];
    struct cs_check_line *line;
    size_t builtin, over;
    int error = cs_expect_new(&expect);

    if (error < 0) {
        cs_check_add(&check->report, CS_CHECK_MISSING, LINE_EXPECT, "%s", strerror(-error));
        return;
    }
    builtin = cs_expect_count(expect);
    if (cs_expect_file_read(path, expect, why) < 0) {
        line = cs_check_add(&check->report, CS_CHECK_MISSING, LINE_EXPECT, "%.256s: %s", path, why);
        cs_check_advise(line, "`run` refuses it; mend it, or leave --expect away");
        return;
    }
    over = expired(expect);
    if (over) {
        line = cs_check_add(&check->report, CS_CHECK_DEGRADED, LINE_EXPECT,
                            "%.256s: %zu lines, of %zu the last day is over", path,
                            cs_expect_count(expect) - builtin, over);
        cs_check_advise(line, "they expect nothing any more: take them out, or set a later day");
        return;
    }
    cs_check_add(&check->report, CS_CHECK_OK, LINE_EXPECT, "%.256s: %zu lines", path,
                 cs_expect_count(expect) - builtin);
}

/* Why the file can't be written or made; 0: it can. */
static int obstacle(const char *path)
{
    char directory[PATH_MAX];
    struct stat st;
    char *slash;

    if (lstat(path, &st) == 0) {
        if (S_ISLNK(st.st_mode))
            return ELOOP;
        if (S_ISDIR(st.st_mode))
            return EISDIR;
        return access(path, W_OK) == 0 ? 0 : errno;
    }
    if (errno != ENOENT)
        return errno;
    cs_text_copy(directory, sizeof(directory), path, strlen(path));
    slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    return access(slash ? directory : ".", W_OK | X_OK) == 0 ? 0 : errno;
}

static void check_written(struct cs_check *check, const char *name, const char *flag,
                          const char *path)
{
    int error = obstacle(path);
    struct cs_check_line *line;

    if (error == 0) {
        cs_check_add(&check->report, CS_CHECK_OK, name, "%.256s", path);
        return;
    }
    line =
        cs_check_add(&check->report, CS_CHECK_MISSING, name, "%.256s: %s", path, strerror(error));
    cs_check_advise(line, "make its directory or mount a volume there, or give another with %s",
                    flag);
}

void cs_check_files(struct cs_check *check)
{
    const struct cs_config *config = &check->config;

    if (config->expect[0])
        check_expect(check);
    if (strcmp(config->events, "-") == 0)
        cs_check_add(&check->report, CS_CHECK_OK, "event log", "standard output");
    else if (config->events[0])
        check_written(check, "event log", "--events", config->events);
    if (config->record_facts[0])
        check_written(check, "recorded facts", "--record-facts", config->record_facts);
}
