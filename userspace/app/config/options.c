/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/options.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY_HELP     'h'
#define KEY_VERSION  'V'
#define KEY_FIRST    0x100 /* the table's rows from here on: no character, so no short option */
#define NAME_MAX_LEN 64

struct given {
    size_t option;
    const char *value;
};

struct parse {
    const struct cs_option_command *command;
    struct given *given;
    size_t count;
    bool shown;
    bool reported;
};

/* Edits that make one name of the other: a letter more, less, other, or two exchanged. Both are
 * shorter than NAME_MAX_LEN. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_LEN], len = strlen(b);

    for (size_t j = 0; j <= len; j++)
        rows[0][j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t least = above[j - 1] + (a[i - 1] != b[j - 1]);

            if (above[j] + 1 < least)
                least = above[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                second[j - 2] + 1 < least)
                least = second[j - 2] + 1;
            row[j] = least;
        }
    }
    return rows[strlen(a) % 3][len];
}

const char *cs_nearest_name(const char *name, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t len = strlen(name), best = 3;

    if (len >= NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t edits = strlen(names[i]) < NAME_MAX_LEN ? distance(name, names[i]) : best;

        /* With half of it wrong it is another word. */
        if (edits < best && edits * 2 < len) {
            best = edits;
            nearest = names[i];
        }
    }
    return nearest;
}

static const char *nearest_option(const struct cs_option_command *command, const char *name)
{
    const char *names[CS_OPTIONS_MAX] = {NULL};
    size_t n = 0;

    for (size_t i = 0; i < command->count; i++)
        if (command->options[i].name)
            names[n++] = command->options[i].name;
    return cs_nearest_name(name, names, n);
}

/* Say what is wrong with an argument that argp didn't take. */
static void report_argument(const struct cs_option_command *command, const char *argument)
{
    char name[NAME_MAX_LEN] = "";
    size_t len = strcspn(argument, "="), matches = 0;
    const struct cs_option *match = NULL;
    const char *nearest;

    fprintf(stderr, "credscope %s: ", command->name);
    if (strncmp(argument, "--", 2) != 0 || len - 2 >= sizeof(name)) {
        fprintf(stderr, "unknown option '%s'; see `credscope %s --help`\n", argument,
                command->name);
        return;
    }
    cs_text_copy(name, sizeof(name), argument + 2, len - 2);
    for (size_t i = 0; i < command->count; i++) {
        const struct cs_option *option = &command->options[i];

        if (!option->name || strncmp(option->name, name, strlen(name)) != 0)
            continue;
        match = option;
        matches++;
        if (strcmp(option->name, name) == 0) {
            matches = 1;
            break;
        }
    }
    nearest = nearest_option(command, name);
    if (matches == 1 && match->argument)
        fprintf(stderr, "--%s: a value is missing: --%s %s\n", name, match->name, match->argument);
    else if (matches == 1)
        fprintf(stderr, "--%s: takes no value\n", name);
    else if (matches > 1)
        fprintf(stderr, "--%s: could be more than one option; write it in full\n", name);
    else if (nearest)
        fprintf(stderr, "unknown option '--%s', did you mean '--%s'?\n", name, nearest);
    else
        fprintf(stderr, "unknown option '--%s'; see `credscope %s --help`\n", name, command->name);
}

static error_t on_key(int key, char *argument, struct argp_state *state)
{
    struct parse *parse = state->input;

    switch (key) {
    case KEY_HELP:
        cs_options_help(parse->command);
        parse->shown = true;
        return ECANCELED;
    case KEY_VERSION:
        puts("credscope " CS_VERSION);
        parse->shown = true;
        return ECANCELED;
    case ARGP_KEY_ARG:
        fprintf(stderr, "credscope %s: unexpected argument '%s'\n", parse->command->name, argument);
        parse->reported = true;
        return EINVAL;
    case ARGP_KEY_ERROR:
        if (!parse->shown && !parse->reported)
            report_argument(parse->command, state->argv[state->next > 1 ? state->next - 1 : 1]);
        parse->reported = true;
        return 0;
    default:
        if (key < KEY_FIRST || key >= KEY_FIRST + (int)parse->command->count)
            return ARGP_ERR_UNKNOWN;
        parse->given[parse->count++] =
            (struct given){(size_t)(key - KEY_FIRST), argument ? argument : "true"};
        return 0;
    }
}

/* The rows of argp's own table: ours, then the common ones. */
static void argp_rows(const struct cs_option_command *command,
                      struct argp_option rows[CS_OPTIONS_MAX + 3])
{
    size_t n = 0;
    int group = 0;

    for (size_t i = 0; i < command->count && i < CS_OPTIONS_MAX; i++) {
        const struct cs_option *option = &command->options[i];

        if (!option->name)
            rows[n++] = (struct argp_option){.doc = option->doc, .group = ++group};
        else
            rows[n++] = (struct argp_option){.name = option->name,
                                             .key = KEY_FIRST + (int)i,
                                             .arg = option->argument,
                                             .doc = option->doc,
                                             .group = group};
    }
    group++;
    rows[n++] = (struct argp_option){"help", KEY_HELP, NULL, 0, "show this text", group};
    rows[n++] = (struct argp_option){"version", KEY_VERSION, NULL, 0, "show the version", group};
    rows[n] = (struct argp_option){0};
}

void cs_options_help(const struct cs_option_command *command)
{
    struct argp_option rows[CS_OPTIONS_MAX + 3];
    char doc[4096], name[64];
    const struct argp argp = {.options = rows, .doc = doc};

    argp_rows(command, rows);
    snprintf(name, sizeof(name), "credscope %s", command->name);
    snprintf(doc, sizeof(doc), "%s\v%s", command->intro, command->outro);
    argp_help(&argp, stdout,
              ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC,
              name);
}

void cs_option_variable(const struct cs_option *option, char *name, size_t size)
{
    size_t len = strlen(CS_OPTION_ENV_PREFIX);

    snprintf(name, size, "%s%s", CS_OPTION_ENV_PREFIX, option->name);
    for (; len < size && name[len] != '\0'; len++)
        name[len] = name[len] == '-' ? '_' : (char)toupper((unsigned char)name[len]);
}

static int apply_flag(const struct parse *parse, size_t i, void *target)
{
    const struct cs_option *option = &parse->command->options[i];
    int given = 0;

    for (size_t k = 0; k < parse->count; k++) {
        char why[CS_OPTION_WHY_MAX] = "not valid";

        if (parse->given[k].option != i)
            continue;
        given = 1;
        if (option->set(target, parse->given[k].value, why) < 0) {
            fprintf(stderr, "credscope %s: --%s%s%s: %s\n", parse->command->name, option->name,
                    option->argument ? " " : "", option->argument ? parse->given[k].value : "",
                    why);
            return -EINVAL;
        }
    }
    return given;
}

/* A switch's value in its canonical form, NULL if it is none. */
static const char *switch_value(const char *value)
{
    static const char *const words[][2] = {
        {"1", "true"},  {"true", "true"},   {"yes", "true"}, {"on", "true"},
        {"0", "false"}, {"false", "false"}, {"no", "false"}, {"off", "false"},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(words); i++)
        if (strcmp(value, words[i][0]) == 0)
            return words[i][1];
    return NULL;
}

static int apply_value(const struct cs_option *option, const char *value, void *target,
                       char why[CS_OPTION_WHY_MAX])
{
    if (!option->argument) {
        value = switch_value(value);
        if (!value) {
            snprintf(why, CS_OPTION_WHY_MAX, "must be true or false");
            return -EINVAL;
        }
    }
    return option->set(target, value, why);
}

static int apply_item(const struct cs_option_command *command, const struct cs_option *option,
                      const char *variable, const char *value, void *target)
{
    char why[CS_OPTION_WHY_MAX] = "not valid";
    int r = apply_value(option, value, target, why);

    if (r < 0)
        fprintf(stderr, "credscope %s: %s=%s: %s\n", command->name, variable, value, why);
    return r;
}

static int apply_variable(const struct cs_option_command *command, const struct cs_option *option,
                          void *target)
{
    char name[NAME_MAX_LEN + sizeof(CS_OPTION_ENV_PREFIX)];
    char *item, *rest;
    const char *text;

    cs_option_variable(option, name, sizeof(name));
    text = getenv(name);
    if (!text || *text == '\0')
        return 0;
    if (!option->repeatable)
        return apply_item(command, option, name, text, target);
    _cleanup_free_ char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    for (rest = copy; (item = strsep(&rest, ","));) {
        item += strspn(item, " ");
        if (*item == '\0')
            continue;
        int r = apply_item(command, option, name, item, target);

        if (r < 0)
            return r;
    }
    return 0;
}

int cs_options_parse(const struct cs_option_command *command, int argc, char **argv, void *target)
{
    _cleanup_free_ struct given *given = calloc((size_t)argc + 1, sizeof(*given));
    struct parse parse = {.command = command, .given = given};
    struct argp_option rows[CS_OPTIONS_MAX + 3];
    const struct argp argp = {.options = rows, .parser = on_key};

    if (!given)
        return -ENOMEM;
    argp_rows(command, rows);
    if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_IN_ORDER,
                   NULL, &parse) != 0)
        return parse.shown ? CS_OPTIONS_SHOWN : -EINVAL;
    for (size_t i = 0; i < command->count; i++) {
        int r;

        if (!command->options[i].name)
            continue;
        r = apply_flag(&parse, i, target);
        if (r == 0)
            r = apply_variable(command, &command->options[i], target);
        if (r < 0)
            return r;
    }
    return 0;
}
