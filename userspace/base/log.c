/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

static const char *const LEVEL_NAMES[] = {
    [CS_LOG_ERROR] = "error",
    [CS_LOG_WARNING] = "warning",
    [CS_LOG_INFO] = "info",
    [CS_LOG_DEBUG] = "debug",
};
_Static_assert(sizeof(LEVEL_NAMES) / sizeof(LEVEL_NAMES[0]) == CS_LOG_LEVEL_END, "level names");

/* The one global of the program. */
static struct {
    enum cs_log_level level;
    enum cs_log_format format;
} log_state = {CS_LOG_INFO, CS_LOG_TEXT};

void cs_log_setup(enum cs_log_level level, enum cs_log_format format)
{
    log_state.level = level;
    log_state.format = format;
}

int cs_log_level_parse(const char *name)
{
    for (int level = 0; level < CS_LOG_LEVEL_END; level++) {
        if (strcmp(name, LEVEL_NAMES[level]) == 0)
            return level;
    }
    return -EINVAL;
}

/* Other people's bytes can end up in a message: keep printable ASCII, replace the rest. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c >= 0x7f)
            *text = c == '\n' || c == '\t' ? ' ' : '?';
    }
}

static size_t json_escape(char *to, const char *from)
{
    size_t n = 0;

    for (; *from != '\0'; from++) {
        if (*from == '"' || *from == '\\')
            to[n++] = '\\';
        to[n++] = *from;
    }
    to[n] = '\0';
    return n;
}

static int format_json(char *line, size_t size, const char *level, const char *message)
{
    char escaped[2 * MESSAGE_MAX];
    char when[32];
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
    json_escape(escaped, message);
    return snprintf(line, size, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"message\":\"%s\"}\n",
                    when, now.tv_nsec / 1000000, level, escaped);
}

void cs_log_va(enum cs_log_level level, const char *format, va_list args)
{
    char message[MESSAGE_MAX];
    char line[2 * MESSAGE_MAX + 128];
    int saved = errno;
    int len;

    if (level > log_state.level)
        return;
    vsnprintf(message, sizeof(message), format, args);
    make_printable(message);
    if (log_state.format == CS_LOG_JSON)
        len = format_json(line, sizeof(line), LEVEL_NAMES[level], message);
    else
        len = snprintf(line, sizeof(line), "credscope: %s%s%s\n",
                       level == CS_LOG_INFO ? "" : LEVEL_NAMES[level],
                       level == CS_LOG_INFO ? "" : ": ", message);
    /* One write a line, so that lines of several processes don't mix; a full pipe loses it. */
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        errno = saved;
    errno = saved;
}

void cs_log(enum cs_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cs_log_va(level, format, args);
    va_end(args);
}
