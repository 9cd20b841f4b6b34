/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of `run`'s options. Byte 0 chooses the option, the rest is its value; the last choice
 * is a whole command line instead, its arguments separated by NULs. Fuzzers are linked with base
 * and core only, so app's sources are included, and their static tables are at hand.
 */
#include "../../userspace/app/config/config.c"
#include "../../userspace/app/config/config_kube.c"
#include "../../userspace/app/config/config_listen.c"
#include "../../userspace/app/config/config_set.c"
#include "../../userspace/app/config/options.c"

#include <fcntl.h>

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

/* The client's own reads the environment and is linked with libcurl. */
int cs_kube_client_cluster_url(char url[CS_KUBE_URL_MAX])
{
    return cs_kube_url_make("192.0.2.1", "443", url);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *quiet;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    /* Messages are not wanted here; libFuzzer's own go by write(2). */
    quiet = fopen("/dev/null", "we");
    REQUIRE(quiet);
    return 0;
}

static void set_one(const struct cs_option *option, const char *value)
{
    static struct cs_config before, after;
    char why[CS_OPTION_WHY_MAX];
    int r;

    if (!option->name || (!option->argument && !switch_value(value)))
        return;
    cs_config_default(&before);
    memcpy(&after, &before, sizeof(after));
    memset(why, 'Z', sizeof(why));
    why[0] = '\0';
    r = option->set(&after, value, why);
    REQUIRE(r == 0 || r == -EINVAL);
    REQUIRE(strnlen(why, sizeof(why)) < sizeof(why));
    if (r < 0)
        REQUIRE(why[0] != '\0' && memcmp(&before, &after, sizeof(after)) == 0);
}

static void parse_all(char *text, size_t size)
{
    static struct cs_config config;
    FILE *out = stdout, *err = stderr;
    char *arguments[33] = {"run"};
    int n = 1, r;

    for (size_t at = 0; at < size && n < 32; at += strlen(text + at) + 1)
        arguments[n++] = text + at;
    stdout = quiet;
    stderr = quiet;
    r = cs_config_parse(n, arguments, &config);
    stdout = out;
    stderr = err;
    REQUIRE(r == 0 || r == CS_OPTIONS_SHOWN || r == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 8192)
        return 0;
    char *text = malloc(size);

    REQUIRE(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    size_t choice = data[0] % (command.count + 1);

    if (choice < command.count)
        set_one(&command.options[choice], text);
    else
        parse_all(text, size - 1);
    free(text);
    return 0;
}
