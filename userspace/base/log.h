/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own log on stderr: one line a message, as text for people or JSON for
 * collectors. Used by io and app only; base and core return errors instead. Single-threaded.
 */
#ifndef CS_BASE_LOG_H
#define CS_BASE_LOG_H

#include <stdarg.h>

enum cs_log_level {
    CS_LOG_ERROR,
    CS_LOG_WARNING,
    CS_LOG_INFO,
    CS_LOG_DEBUG,
    CS_LOG_LEVEL_END,
};

enum cs_log_format { CS_LOG_TEXT, CS_LOG_JSON };

void cs_log_setup(enum cs_log_level level, enum cs_log_format format);

/* Level by its name ("error" …), or -EINVAL. */
int cs_log_level_parse(const char *name);

/* One message; control characters and invalid UTF-8 in it are replaced. Messages longer than
 * 1,023 bytes are cut. errno is kept. */
void cs_log(enum cs_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cs_log_va(enum cs_log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#define cs_error(...) cs_log(CS_LOG_ERROR, __VA_ARGS__)
#define cs_warn(...)  cs_log(CS_LOG_WARNING, __VA_ARGS__)
#define cs_info(...)  cs_log(CS_LOG_INFO, __VA_ARGS__)
#define cs_debug(...) cs_log(CS_LOG_DEBUG, __VA_ARGS__)

/* Log an error and give the code back: return cs_error_r(-EINVAL, "…"). */
#define cs_error_r(code, ...)  \
    ({                         \
        cs_error(__VA_ARGS__); \
        (code);                \
    })

#endif
