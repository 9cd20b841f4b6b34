/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line and environment from one table: a row is one flag, `--listen` also being
 * CREDSCOPE_LISTEN. A flag beats its variable. Repeatable flags take a comma-separated list from
 * their variable; an empty variable is as none. Variables with the prefix that are no flag are
 * ignored: Kubernetes makes CREDSCOPE_PORT and CREDSCOPE_SERVICE_HOST for a Service named
 * credscope.
 */
#ifndef CS_APP_OPTIONS_H
#define CS_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define CS_OPTION_ENV_PREFIX "CREDSCOPE_"
#define CS_OPTIONS_MAX       64
#define CS_OPTION_WHY_MAX    256

/* Set one value in the target. 0, or -EINVAL with why in words that follow "--flag VALUE: ". */
typedef int (*cs_option_setter)(void *target, const char *value, char why[CS_OPTION_WHY_MAX]);

struct cs_option {
    const char *name;     /* without "--"; NULL: a heading, its text in doc */
    const char *argument; /* as --help shows it; NULL: a switch, set gets "true" or "false" */
    const char *doc;
    cs_option_setter set;
    bool repeatable;
};

struct cs_option_command {
    const char *name;  /* "run": messages start with "credscope run: " */
    const char *intro; /* a paragraph before the options */
    const char *outro; /* and one behind them */
    const struct cs_option *options;
    size_t count; /* at most CS_OPTIONS_MAX */
};

#define CS_OPTIONS_SHOWN 1 /* --help or --version was answered: exit with status 0 */

/* Parse argv (argv[0] is the command's name) and the environment into target. 0,
 * CS_OPTIONS_SHOWN, or -EINVAL after one line on stderr. */
int cs_options_parse(const struct cs_option_command *command, int argc, char **argv, void *target);

/* The command's --help on stdout. */
void cs_options_help(const struct cs_option_command *command);

/* The name of a flag's variable. */
void cs_option_variable(const struct cs_option *option, char *name, size_t size);

/* The nearest of names, or NULL when none is near: for "did you mean". */
const char *cs_nearest_name(const char *name, const char *const *names, size_t n);

#endif
