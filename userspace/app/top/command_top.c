/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top.h"

#include "app/top/command_top_parts.h"
#include "app/top/command_top_terminal.h"
#include "base/util.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_MAX       ((size_t)8 << 20) /* the API's own maximum is half of it */
#define INTERVAL_NS    (2 * CS_NSEC_PER_SEC)
#define INTERVAL_LEAST 0.1
#define INTERVAL_MOST  3600.0

static int set_api(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return cs_listen_parse(value, true, &((struct cs_top *)target)->api, why);
}

static int set_interval(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end != '\0' || !(seconds >= INTERVAL_LEAST && seconds <= INTERVAL_MOST)) {
        snprintf(why, CS_OPTION_WHY_MAX, "must be seconds, %g to %g", INTERVAL_LEAST,
                 INTERVAL_MOST);
        return -EINVAL;
    }
    ((struct cs_top *)target)->interval_ns = (uint64_t)(seconds * 1e9);
    return 0;
}

static int set_sort(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    for (enum cs_top_sort sort = 0; sort < CS_TOP_SORT_END; sort++) {
        if (strcmp(value, cs_top_sort_name(sort)) == 0) {
            ((struct cs_top *)target)->view.sort = sort;
            return 0;
        }
    }
    snprintf(why, CS_OPTION_WHY_MAX, "must be rate, failures, p99, in-flight or name");
    return -EINVAL;
}

static int set_namespace(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_top *top = target;

    if (!cs_text_copy(top->namespace, sizeof(top->namespace), value, strlen(value))) {
        snprintf(why, CS_OPTION_WHY_MAX, "a namespace has at most 63 characters");
        return -EINVAL;
    }
    return 0;
}

static int set_once(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    (void)why;
    ((struct cs_top *)target)->once = strcmp(value, "true") == 0;
    return 0;
}

static int set_findings(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    (void)why;
    ((struct cs_top *)target)->view.findings = strcmp(value, "true") == 0;
    return 0;
}

static int set_json(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    (void)why;
    ((struct cs_top *)target)->json = strcmp(value, "true") == 0;
    return 0;
}

static const struct cs_option OPTIONS[] = {
    {"api", "unix:PATH|ADDR:PORT",
     "where credscope's API is; default unix:/run/credscope/api.sock, or as "
     "CREDSCOPE_API_LISTEN says",
     set_api, false},
    {"namespace", "NAME", "only this namespace; ~host is the node itself", set_namespace, false},
    {"sort", "KEY", "rate (default), failures, p99, in-flight or name", set_sort, false},
    {"interval", "SECONDS", "how often to look; default 2", set_interval, false},
    {"once", NULL, "print the table once, with totals since credscope's start, and end", set_once,
     false},
    {"findings", NULL,
     "begin with the open findings, why each is open and what to do; with --once "
     "only those",
     set_findings, false},
    {"json", NULL, "print the API's document once (docs/api.md), and end", set_json, false},
};

static const struct cs_option_command COMMAND = {
    .name = "top",
    .intro = "Show which workloads of this node ask for cloud credentials: by which mechanism, how "
             "often, how many fail, how long they wait. Live on a terminal; without one, as with "
             "--once.",
    .outro = "Columns: R marks a mechanism that is to be replaced, N one that gives the node's "
             "identity, ! failures within the last minute (with --once: ever); REQ/MIN is over the "
             "last minute; FAILED, P50 and P99 are since credscope's start; WAIT is how many "
             "requests wait for an answer; PODS how many use the mechanism, of those that run.\n"
             "Keys: r f p i n sort by rate, failures, p99, in flight, name; e explains the open "
             "findings and goes back; arrows, page keys and j k scroll; q quits.\n"
             "In a cluster: kubectl -n credscope exec -it POD -- credscope top\n\n"
             "Each option is also an environment variable: CREDSCOPE_API for --api.\n\n"
             "Exit status: 0 success, 1 the API can't be asked or its answer is of no use, 2 wrong "
             "usage.",
    .options = OPTIONS,
    .count = CS_ARRAY_SIZE(OPTIONS),
};

void cs_command_top_help(void)
{
    cs_options_help(&COMMAND);
}

/* In credscope's own container the environment says where the API is. */
static void set_defaults(struct cs_top *top)
{
    const char *listen = getenv(CS_OPTION_ENV_PREFIX "API_LISTEN");
    char why[CS_OPTION_WHY_MAX];

    top->interval_ns = INTERVAL_NS;
    if (!listen || cs_listen_parse(listen, true, &top->api, why) < 0)
        cs_listen_parse("unix:" CS_DEFAULT_API_SOCKET, true, &top->api, why);
}

/* Percent-encode what RFC 3986 does not call unreserved. */
static void make_target(struct cs_top *top)
{
    size_t len = (size_t)snprintf(top->target, sizeof(top->target), "/api/v1/workloads%s",
                                  top->namespace[0] ? "?namespace=" : "");

    for (const unsigned char *c = (const unsigned char *)top->namespace;
         *c && len + 4 <= sizeof(top->target); c++)
        len += (size_t)snprintf(top->target + len, sizeof(top->target) - len,
                                isalnum(*c) || strchr("-._~", *c) ? "%c" : "%%%02X", *c);
}

static int connect_client(struct cs_top *top)
{
    char address[sizeof(top->api.text) + 16];
    int error;

    /* ":PORT" is any address for those who listen. */
    snprintf(address, sizeof(address), "%s%s", top->api.any ? "127.0.0.1" : "", top->api.text);
    error = cs_http_client_new(address, BODY_MAX, &top->client);
    if (error < 0)
        fprintf(stderr, "credscope top: %s: %s\n", top->api.text, strerror(-error));
    return error;
}

static bool smart_terminal(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

static bool wants_colour(void)
{
    const char *none = getenv("NO_COLOR");

    return smart_terminal(STDOUT_FILENO) && !(none && *none != '\0');
}

static int print(const struct cs_buffer *buffer)
{
    if (buffer->error)
        return CS_EXIT_FAILED;
    if (fwrite(buffer->data, 1, buffer->len, stdout) != buffer->len || fflush(stdout) != 0) {
        fprintf(stderr, "credscope top: standard output: %s\n", strerror(errno));
        return CS_EXIT_FAILED;
    }
    return CS_EXIT_OK;
}

static int print_once(struct cs_top *top)
{
    const char *columns = getenv("COLUMNS");
    struct cs_buffer text;
    uint64_t width;
    int status;

    if (!cs_terminal_size(STDOUT_FILENO, &top->view.width, &top->view.height) && columns &&
        cs_parse_u64(columns, 20, 10000, &width) == 0)
        top->view.width = width;
    cs_buffer_init(&text, BODY_MAX);
    cs_top_model_sort(&top->model, top->view.sort);
    cs_top_draw(&top->model, &top->view, &text);
    status = print(&text);
    cs_buffer_free(&text);
    return status;
}

static int show(struct cs_top *top)
{
    const struct cs_buffer *body;
    char why[CS_TOP_WHY_MAX];

    if (cs_top_ask(top, &body, why) < 0) {
        fprintf(stderr, "credscope top: %s\n", why);
        return CS_EXIT_FAILED;
    }
    if (top->json)
        return print(body);
    top->view.colour = wants_colour();
    top->view.interval = (double)top->interval_ns / 1e9;
    top->view.live = !top->once && smart_terminal(STDOUT_FILENO) && isatty(STDIN_FILENO);
    return top->view.live ? cs_top_live(top) : print_once(top);
}

int cs_command_top(int argc, char **argv)
{
    struct cs_top top = {0};
    int r;

    setlocale(LC_CTYPE, "");
    set_defaults(&top);
    r = cs_options_parse(&COMMAND, argc, argv, &top);
    if (r != 0)
        return r < 0 ? CS_EXIT_USAGE : CS_EXIT_OK;
    make_target(&top);
    if (connect_client(&top) < 0)
        return CS_EXIT_FAILED;
    r = show(&top);
    cs_http_client_free(&top.client);
    cs_top_model_clear(&top.model);
    return r;
}
