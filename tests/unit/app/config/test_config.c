/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/config.h"
#include "base/cleanup.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 12

struct outcome {
    int result;
    struct cs_config config;
    char out[16384];
    char err[2048];
};

static struct outcome outcome; /* too big for a stack frame of each test */

static int redirect(int fd, FILE *to)
{
    int saved = dup(fd);

    assert_true(saved >= 0);
    assert_true(dup2(fileno(to), fd) == fd);
    return saved;
}

static void restore(int fd, int saved, FILE *from, char *text, size_t size)
{
    fflush(NULL);
    assert_true(dup2(saved, fd) == fd);
    close(saved);
    rewind(from);
    text[fread(text, 1, size - 1, from)] = '\0';
    fclose(from);
}

/* Parse "run" and args with environment variables "NAME=VALUE" set, catching what is printed. */
static const struct outcome *run(const char *const *args, const char *const *variables)
{
    char *argv[ARGS_MAX + 2] = {(char *)"run"};
    FILE *out = tmpfile(), *err = tmpfile();
    int argc = 1;

    clearenv();
    for (size_t i = 0; variables && variables[i]; i++)
        putenv((char *)(uintptr_t)variables[i]);
    for (size_t i = 0; args && args[i]; i++)
        argv[argc++] = (char *)(uintptr_t)args[i];
    fflush(NULL);
    int saved_out = redirect(STDOUT_FILENO, out), saved_err = redirect(STDERR_FILENO, err);

    outcome.result = cs_config_parse(argc, argv, &outcome.config);
    restore(STDOUT_FILENO, saved_out, out, outcome.out, sizeof(outcome.out));
    restore(STDERR_FILENO, saved_err, err, outcome.err, sizeof(outcome.err));
    return &outcome;
}

#define RUN(...)     run((const char *const[]){__VA_ARGS__, NULL}, NULL)
#define RUN_ENV(...) run(NULL, (const char *const[]){__VA_ARGS__, NULL})

static void has_defaults(void **state)
{
    const struct outcome *got = run(NULL, (const char *const[]){"NODE_NAME=node-1", NULL});
    const struct cs_config *config = &got->config;
    struct cs_watchlist built_in;

    (void)state;
    assert_int_equal(got->result, 0);
    assert_string_equal(got->err, "");
    assert_true(config->listen.any);
    assert_int_equal(config->listen.address.in6.sin6_family, AF_INET6);
    assert_int_equal(ntohs(config->listen.address.in6.sin6_port), 9810);
    assert_int_equal(config->api_listen.address.un.sun_family, AF_UNIX);
    assert_string_equal(config->api_listen.address.un.sun_path, "/run/credscope/api.sock");
    assert_int_equal(config->kube, CS_KUBE_NONE);
    assert_string_equal(config->node_name, "node-1");
    assert_string_equal(config->events, "");
    assert_string_equal(config->state_dir, "/var/lib/credscope");
    assert_string_equal(config->cgroup, "");
    assert_int_equal(config->log_level, CS_LOG_INFO);
    assert_int_equal(config->log_format, CS_LOG_TEXT);
    assert_int_equal(config->histogram_by, CS_HISTOGRAM_WORKLOAD);
    assert_int_equal(config->identity_labels, CS_IDENTITY_FULL);
    assert_int_equal(config->max_series, 10000);
    assert_int_equal(config->events_max_bytes, 64 << 20);
    assert_false(config->pod_labels || config->bpf_stats);
    cs_watchlist_init(&built_in);
    assert_int_equal(config->watchlist.address_count, built_in.address_count);
    assert_int_equal(config->watchlist.suffix_count, built_in.suffix_count);
}

static void names_the_node_after_the_host(void **state)
{
    char host[256] = "";

    (void)state;
    gethostname(host, sizeof(host) - 1);
    assert_string_equal(run(NULL, NULL)->config.node_name, host);
    assert_string_equal(RUN_ENV("NODE_NAME=not a name")->config.node_name, host);
}

static void takes_every_option(void **state)
{
    const struct cs_config *config = &outcome.config;

    (void)state;
    assert_int_equal(RUN("--listen=127.0.0.1:1", "--api-listen", "[::1]:2", "--events", "-",
                         "--state-dir", "none", "--cgroup", "/c", "--pod-labels", "--bpf-stats",
                         "--log-level=debug", "--log-format=json")
                         ->result,
                     0);
    assert_int_equal(config->listen.address.in.sin_family, AF_INET);
    assert_int_equal(ntohs(config->listen.address.in.sin_port), 1);
    assert_false(config->listen.any);
    assert_int_equal(config->api_listen.address.in6.sin6_family, AF_INET6);
    assert_string_equal(config->api_listen.text, "[::1]:2");
    assert_string_equal(config->events, "-");
    assert_string_equal(config->state_dir, "");
    assert_string_equal(config->cgroup, "/c");
    assert_true(config->pod_labels && config->bpf_stats);
    assert_int_equal(config->log_level, CS_LOG_DEBUG);
    assert_int_equal(config->log_format, CS_LOG_JSON);

    assert_int_equal(RUN("--events-max-bytes=65536", "--node-name=n", "--histogram-by=mechanism",
                         "--identity-labels=off", "--max-series=1500", "--kube=none",
                         "--record-facts=f", "--aws-credential-life=1",
                         "--azure-credential-life=168")
                         ->result,
                     0);
    assert_int_equal(config->events_max_bytes, 65536);
    assert_string_equal(config->node_name, "n");
    assert_int_equal(config->histogram_by, CS_HISTOGRAM_MECHANISM);
    assert_int_equal(config->identity_labels, CS_IDENTITY_OFF);
    assert_int_equal(config->max_series, 1500);
    assert_string_equal(config->record_facts, "f");
    assert_int_equal(config->credential_life.aws_ns, 3600 * CS_NSEC_PER_SEC);
    assert_int_equal(config->credential_life.azure_ns, 168 * 3600 * CS_NSEC_PER_SEC);
}

static void adds_to_the_watchlist(void **state)
{
    const struct cs_watchlist *list = &outcome.config.watchlist;
    uint8_t addr[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2};
    struct cs_watchlist built_in;
    size_t left;

    (void)state;
    cs_watchlist_init(&built_in);
    assert_int_equal(RUN("--sts-host=sts.example.com", "--entra-host=login.example.com",
                         "--metadata-address=192.0.2.1", "--proxy-address=192.0.2.2:3128",
                         "--tls-port=8443", "--tls-port=9443", "--token-path=my-token=irsa")
                         ->result,
                     0);
    assert_int_equal(list->suffix_count, built_in.suffix_count + 2);
    assert_int_equal(cs_watchlist_suffix(list, "sts.example.com", &left)->endpoint,
                     CS_ENDPOINT_STS);
    assert_int_equal(cs_watchlist_suffix(list, "a.login.example.com", &left)->endpoint,
                     CS_ENDPOINT_ENTRA);
    addr[15] = 1;
    assert_int_equal(cs_watchlist_address(list, addr, 80)->kind, CS_WATCH_PLAIN);
    addr[15] = 2;
    assert_int_equal(cs_watchlist_address(list, addr, 3128)->kind, CS_WATCH_PROXY);
    assert_int_equal(list->tls_port_count, built_in.tls_port_count + 2);
    assert_int_equal(list->token_count, built_in.token_count + 1);
}

static void reads_variables(void **state)
{
    const struct cs_config *config = &outcome.config;
    struct cs_watchlist built_in;

    (void)state;
    cs_watchlist_init(&built_in);
    RUN_ENV("CREDSCOPE_LISTEN=:1", "CREDSCOPE_POD_LABELS=yes", "CREDSCOPE_BPF_STATS=0",
            "CREDSCOPE_TLS_PORT=8443, 9443,", "CREDSCOPE_EVENTS=", "CREDSCOPE_PORT=tcp://1.2.3.4",
            "CREDSCOPE_SERVICE_HOST=1.2.3.4");
    assert_string_equal(outcome.err, "");
    assert_int_equal(outcome.result, 0);
    assert_int_equal(ntohs(config->listen.address.in6.sin6_port), 1);
    assert_true(config->pod_labels);
    assert_false(config->bpf_stats);
    assert_int_equal(config->watchlist.tls_port_count, built_in.tls_port_count + 2);
}

static void lets_flags_beat_variables(void **state)
{
    struct cs_watchlist built_in;

    (void)state;
    cs_watchlist_init(&built_in);
    run((const char *const[]){"--listen=:2", "--tls-port=7443", NULL},
        (const char *const[]){"CREDSCOPE_LISTEN=nonsense", "CREDSCOPE_TLS_PORT=8443,9443", NULL});
    assert_int_equal(outcome.result, 0);
    assert_int_equal(ntohs(outcome.config.listen.address.in6.sin6_port), 2);
    assert_int_equal(outcome.config.watchlist.tls_port_count, built_in.tls_port_count + 1);

    RUN("--listen=:2", "--listen=:3");
    assert_int_equal(ntohs(outcome.config.listen.address.in6.sin6_port), 3);
}

#define LONG_PATH                                                                       \
    "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LISTEN_FORM "must be ADDRESS:PORT, [IPV6]:PORT or :PORT, with an IP address"

static const struct {
    const char *args[3];
    const char *variable;
    const char *message; /* after "credscope run: " */
} refusals[] = {
    {{"--listen", "9810"}, NULL, "--listen 9810: " LISTEN_FORM},
    {{"--listen", ":65536"}, NULL, "--listen :65536: " LISTEN_FORM},
    {{"--listen", ":"}, NULL, "--listen :: " LISTEN_FORM},
    {{"--listen", ""}, NULL, "--listen : " LISTEN_FORM},
    {{"--listen", "localhost:1"}, NULL, "--listen localhost:1: " LISTEN_FORM},
    {{"--listen", "::1:1"}, NULL, "--listen ::1:1: " LISTEN_FORM},
    {{"--listen", "[::1:1"}, NULL, "--listen [::1:1: " LISTEN_FORM},
    {{"--listen", "[]:1"}, NULL, "--listen []:1: " LISTEN_FORM},
    {{"--listen", "[127.0.0.1]:1"}, NULL, "--listen [127.0.0.1]:1: " LISTEN_FORM},
    {{"--listen", "unix:/a"}, NULL, "--listen unix:/a: " LISTEN_FORM},
    {{"--api-listen", "x"}, NULL, "--api-listen x: " LISTEN_FORM ", or unix:PATH"},
    {{"--api-listen", "unix:a"},
     NULL,
     "--api-listen unix:a: the socket's path must start with '/'"},
    {{"--api-listen", LONG_PATH},
     NULL,
     "--api-listen " LONG_PATH ": a socket's path has at most 107 bytes"},
    {{"--kube", "api"},
     NULL,
     "--kube api: not in a cluster (no KUBERNETES_SERVICE_HOST); give --kube-api URL, or --kube "
     "none"},
    {{"--kube", "kubelet"},
     NULL,
     "--kube kubelet: at which address? set NODE_IP (from status.hostIP), or give --kube-api "
     "https://ADDRESS:10250"},
    {{"--kube-cert", "/c"}, NULL, "--kube-cert and --kube-key go together: give both, or neither"},
    {{"--kube-token", ""}, NULL, "--kube-token : must not be empty"},
    {{"--kube", "file:"}, NULL, "--kube file:: a path must follow 'file:'"},
    {{"--kube", "k8s"}, NULL, "--kube k8s: must be api, kubelet, file:PATH or none"},
    {{"--kube-api", "example.com"},
     NULL,
     "--kube-api example.com: must be a URL, http:// or https://, without user, query or "
     "fragment"},
    {{"--node-name", "a b"},
     NULL,
     "--node-name a b: a node's name has letters, digits, '-', '_' and '.' only"},
    {{"--node-name", ""}, NULL, "--node-name : must not be empty"},
    {{"--events", ""}, NULL, "--events : must not be empty"},
    {{"--events-max-bytes", "1"},
     NULL,
     "--events-max-bytes 1: must be a number from 65536 to 1099511627776"},
    {{"--events-max-bytes", "64M"},
     NULL,
     "--events-max-bytes 64M: must be a number from 65536 to 1099511627776"},
    {{"--state-dir", "x"}, NULL, "--state-dir x: must be a directory's absolute path, or none"},
    {{"--cgroup", ""}, NULL, "--cgroup : must not be empty"},
    {{"--sts-host", "a b"}, NULL, "--sts-host a b: must be a host name, such as sts.example.com"},
    {{"--metadata-address", "169.254.169"},
     NULL,
     "--metadata-address 169.254.169: must be an IP address, or ADDRESS:PORT or [IPV6]:PORT"},
    {{"--proxy-address", "192.0.2.1"},
     NULL,
     "--proxy-address 192.0.2.1: must be ADDRESS:PORT or [IPV6]:PORT, with an IP address"},
    {{"--tls-port", "0"}, NULL, "--tls-port 0: must be a number from 1 to 65535"},
    {{"--tls-port", "-1"}, NULL, "--tls-port -1: must be a number from 1 to 65535"},
    {{"--token-path", "a=b"},
     NULL,
     "--token-path a=b: must be NAME=MECHANISM, a file's name or the end of its path and irsa, "
     "eks-pod-identity or azure-workload-identity"},
    {{"--histogram-by", "pod"},
     NULL,
     "--histogram-by pod: must be workload, service-account or mechanism"},
    {{"--identity-labels", "on"}, NULL, "--identity-labels on: must be full, hash or off"},
    {{"--aws-credential-life", "0"},
     NULL,
     "--aws-credential-life 0: must be a number from 1 to 168"},
    {{"--max-series", "999"}, NULL, "--max-series 999: must be a number from 1500 to 1000000"},
    {{"--log-level", "loud"}, NULL, "--log-level loud: must be error, warning, info or debug"},
    {{"--log-format", "xml"}, NULL, "--log-format xml: must be text or json"},
    {{NULL}, "CREDSCOPE_LISTEN=x", "CREDSCOPE_LISTEN=x: " LISTEN_FORM},
    {{NULL}, "CREDSCOPE_POD_LABELS=maybe", "CREDSCOPE_POD_LABELS=maybe: must be true or false"},
    {{NULL}, "CREDSCOPE_TLS_PORT=8443,x", "CREDSCOPE_TLS_PORT=x: must be a number from 1 to 65535"},
    {{"--lisen", ":1"}, NULL, "unknown option '--lisen', did you mean '--listen'?"},
    {{"--evnets=x"}, NULL, "unknown option '--evnets', did you mean '--events'?"},
    {{"--frobnicate"}, NULL, "unknown option '--frobnicate'; see `credscope run --help`"},
    {{"-x"}, NULL, "unknown option '-x'; see `credscope run --help`"},
    {{"--listen"}, NULL, "--listen: a value is missing: --listen ADDR:PORT"},
    {{"--pod-labels=true"}, NULL, "--pod-labels: takes no value"},
    {{"--kub=none"}, NULL, "--kub: could be more than one option; write it in full"},
    {{"somewhere"}, NULL, "unexpected argument 'somewhere'"},
    {{"--listen=:1", "somewhere"}, NULL, "unexpected argument 'somewhere'"},
};

static void refuses_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(refusals); i++) {
        const char *const variables[] = {refusals[i].variable, NULL};
        char wanted[1024];

        run(refusals[i].args, variables);
        snprintf(wanted, sizeof(wanted), "credscope run: %s\n", refusals[i].message);
        if (outcome.result != -EINVAL || strcmp(outcome.err, wanted) != 0 || outcome.out[0] != '\0')
            fail_msg("%d\n got: %swant: %s", outcome.result, outcome.err, wanted);
    }
}

static void shows_help_and_version(void **state)
{
    (void)state;
    assert_int_equal(RUN("--help")->result, 1);
    assert_string_equal(outcome.err, "");
    assert_non_null(strstr(outcome.out, "Usage: credscope run"));
    assert_non_null(strstr(outcome.out, "--api-listen=unix:PATH|ADDR:PORT"));
    assert_non_null(strstr(outcome.out, "CREDSCOPE_API_LISTEN"));
    assert_non_null(strstr(outcome.out, "Exit status: 0"));
    assert_int_equal(RUN("-h", "--nonsense")->result, 1);
    assert_int_equal(RUN("--version")->result, 1);
    assert_int_equal(strncmp(outcome.out, "credscope ", 10), 0);
}

static void finds_the_nearest_name(void **state)
{
    static const char *const names[] = {"run", "check", "report", "top", "help"};
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"chek", "check"}, {"chekc", "check"}, {"reprot", "report"}, {"rnu", "run"},
        {"runn", "run"},   {"x", NULL},        {"", NULL},           {"completely", NULL},
        {"hepl", "help"},  {"helpp", "help"},  {"hxxp", NULL},       {"eport", "report"},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        const char *got = cs_nearest_name(cases[i].name, names, CS_ARRAY_SIZE(names));

        if ((got == NULL) != (cases[i].nearest == NULL) || (got && strcmp(got, cases[i].nearest)))
            fail_msg("'%s': %s", cases[i].name, got ? got : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_defaults),           cmocka_unit_test(names_the_node_after_the_host),
        cmocka_unit_test(takes_every_option),     cmocka_unit_test(adds_to_the_watchlist),
        cmocka_unit_test(reads_variables),        cmocka_unit_test(lets_flags_beat_variables),
        cmocka_unit_test(refuses_in_one_line),    cmocka_unit_test(shows_help_and_version),
        cmocka_unit_test(finds_the_nearest_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
