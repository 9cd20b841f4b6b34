/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check/command_check.h"
#include "app/config/config.h"
#include "app/config/options.h"
#include "app/observer/command_run.h"
#include "app/top/command_top.h"
#include "base/util.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
    void (*help)(void);
} COMMANDS[] = {
    {"run", "observe until told to stop; serves /metrics, an API and a live page", cs_command_run,
     cs_config_help},
    {"check", "say whether this node can run it, a line per need", cs_command_check,
     cs_command_check_help},
    {"top", "show live which workloads ask, how often, how many fail", cs_command_top,
     cs_command_top_help},
};

static void usage(FILE *to)
{
    fputs("Usage: credscope COMMAND [OPTION...]\n\n"
          "Observe which workloads ask for cloud credentials, how, and with what outcome.\n\n",
          to);
    for (size_t i = 0; i < CS_ARRAY_SIZE(COMMANDS); i++)
        fprintf(to, "  %-8s%s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("  help    this text, or that of a command\n\n"
          "`credscope COMMAND --help` lists a command's options; credscope(8) is the manual.\n"
          "Exit status: 0 success, 1 failed while running, 2 wrong usage or the node lacks "
          "something.\n",
          to);
}

static int unknown_command(const char *name)
{
    const char *names[CS_ARRAY_SIZE(COMMANDS)];
    const char *near;

    for (size_t i = 0; i < CS_ARRAY_SIZE(COMMANDS); i++)
        names[i] = COMMANDS[i].name;
    near = cs_nearest_name(name, names, CS_ARRAY_SIZE(names));
    fprintf(stderr, "credscope: unknown command '%s'", name);
    if (near)
        fprintf(stderr, ", did you mean '%s'?\n", near);
    else
        fputs("; see `credscope help`\n", stderr);
    return CS_EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        usage(stdout);
        return CS_EXIT_OK;
    }
    for (size_t i = 0; i < CS_ARRAY_SIZE(COMMANDS); i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0) {
            COMMANDS[i].help();
            return CS_EXIT_OK;
        }
    }
    return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name) {
        usage(stderr);
        return CS_EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0 || strcmp(name, "version") == 0) {
        puts("credscope " CS_VERSION);
        return CS_EXIT_OK;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(argc - 1, argv + 1);
    for (size_t i = 0; i < CS_ARRAY_SIZE(COMMANDS); i++) {
        if (strcmp(name, COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    }
    return unknown_command(name);
}
