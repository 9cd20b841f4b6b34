/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config/config_set.h"

#include "app/config/config.h"
#include "base/util.h"
#include "core/metrics/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KIB              UINT64_C(1024)
#define EVENTS_BYTES_MIN (64 * KIB)
#define EVENTS_BYTES_MAX (1024 * 1024 * 1024 * KIB)
#define SERIES_MIN       CS_RECORD_SERIES_MIN
#define SERIES_MAX       1000000
#define LIFE_HOURS_MAX   168

/* Write why and fail, in one statement. */
#define REFUSE(...) (snprintf(why, CS_OPTION_WHY_MAX, __VA_ARGS__), -EINVAL)

static int text_set(char *to, size_t size, const char *value, char why[CS_OPTION_WHY_MAX])
{
    if (*value == '\0')
        return REFUSE("must not be empty");
    if (strlen(value) >= size)
        return REFUSE("longer than %zu bytes", size - 1);
    cs_text_copy(to, size, value, strlen(value));
    return 0;
}

static int path_set(char *path, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return text_set(path, PATH_MAX, value, why);
}

static int number_set(const char *value, uint64_t min, uint64_t max, uint64_t *number,
                      char why[CS_OPTION_WHY_MAX])
{
    if (cs_parse_u64(value, min, max, number) < 0)
        return REFUSE("must be a number from %llu to %llu", (unsigned long long)min,
                      (unsigned long long)max);
    return 0;
}

/* The index of value among words, or -EINVAL with the words in why. */
static int word_find(const char *value, const char *const *words, size_t n,
                     char why[CS_OPTION_WHY_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        if (strcmp(value, words[i]) == 0)
            return (int)i;
    len = (size_t)snprintf(why, CS_OPTION_WHY_MAX, "must be ");
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(why + len, CS_OPTION_WHY_MAX - len, "%s%s",
                                i == 0 ? "" : (i + 1 == n ? " or " : ", "), words[i]);
    return -EINVAL;
}

int cs_config_set_listen(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    return cs_listen_parse(value, false, &config->listen, why);
}

int cs_config_set_api_listen(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    return cs_listen_parse(value, true, &config->api_listen, why);
}

int cs_config_set_kube(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    if (strcmp(value, "none") == 0)
        config->kube = CS_KUBE_NONE;
    else if (strcmp(value, "api") == 0)
        config->kube = CS_KUBE_API;
    else if (strcmp(value, "kubelet") == 0)
        config->kube = CS_KUBE_KUBELET;
    else if (strncmp(value, "file:", 5) != 0)
        return REFUSE("must be api, kubelet, file:PATH or none");
    else if (value[5] == '\0')
        return REFUSE("a path must follow 'file:'");
    else if (path_set(config->kube_file, value + 5, why) < 0)
        return -EINVAL;
    else
        config->kube = CS_KUBE_FILE;
    config->kube_given = true;
    return 0;
}

int cs_config_set_kube_api(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;
    char url[CS_KUBE_URL_MAX];

    if (cs_kube_url_clean(value, url) < 0)
        return REFUSE("must be a URL, http:// or https://, without user, query or fragment");
    return text_set(config->kube_api, sizeof(config->kube_api), url, why);
}

int cs_config_set_kube_token(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->kube_token, value, why);
}

int cs_config_set_kube_ca(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->kube_ca, value, why);
}

int cs_config_set_kube_cert(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->kube_cert, value, why);
}

int cs_config_set_kube_key(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->kube_key, value, why);
}

int cs_config_set_node_name(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    if (value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")])
        return REFUSE("a node's name has letters, digits, '-', '_' and '.' only");
    if (text_set(config->node_name, sizeof(config->node_name), value, why) < 0)
        return -EINVAL;
    config->node_name_guessed = false;
    return 0;
}

int cs_config_set_events(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->events, value, why);
}

int cs_config_set_events_max_bytes(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    return number_set(value, EVENTS_BYTES_MIN, EVENTS_BYTES_MAX, &config->events_max_bytes, why);
}

int cs_config_set_state_dir(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    if (strcmp(value, "none") == 0) {
        config->state_dir[0] = '\0';
        return 0;
    }
    if (value[0] != '/')
        return REFUSE("must be a directory's absolute path, or none");
    return path_set(config->state_dir, value, why);
}

int cs_config_set_cgroup(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->cgroup, value, why);
}

int cs_config_set_record_facts(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->record_facts, value, why);
}

int cs_config_set_expect(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return path_set(((struct cs_config *)target)->expect, value, why);
}

/* Put a watchlist's refusal in words. */
static int watch_result(int r, const char *form, char why[CS_OPTION_WHY_MAX])
{
    if (r == -ENOSPC)
        return REFUSE("too many of them");
    if (r == -EEXIST)
        return REFUSE("already watched, for something else");
    return r < 0 ? REFUSE("must be %s", form) : 0;
}

static int add_suffix(struct cs_config *config, const char *value, enum cs_endpoint endpoint,
                      char why[CS_OPTION_WHY_MAX])
{
    return watch_result(cs_watchlist_add_suffix(&config->watchlist, value, endpoint),
                        "a host name, such as sts.example.com", why);
}

int cs_config_add_sts_host(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return add_suffix(target, value, CS_ENDPOINT_STS, why);
}

int cs_config_add_entra_host(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return add_suffix(target, value, CS_ENDPOINT_ENTRA, why);
}

int cs_config_add_metadata_address(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    return watch_result(cs_watchlist_add_address(&config->watchlist, value, CS_WATCH_PLAIN),
                        "an IP address, or ADDRESS:PORT or [IPV6]:PORT", why);
}

int cs_config_add_proxy_address(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    return watch_result(cs_watchlist_add_address(&config->watchlist, value, CS_WATCH_PROXY),
                        "ADDRESS:PORT or [IPV6]:PORT, with an IP address", why);
}

int cs_config_add_tls_port(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;
    uint64_t port;

    if (number_set(value, 1, UINT16_MAX, &port, why) < 0)
        return -EINVAL;
    return watch_result(cs_watchlist_add_tls_port(&config->watchlist, (uint16_t)port), "a port",
                        why);
}

int cs_config_add_token_path(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    struct cs_config *config = target;

    return watch_result(cs_watchlist_add_token(&config->watchlist, value),
                        "NAME=MECHANISM, a file's name or the end of its path and irsa, "
                        "eks-pod-identity or azure-workload-identity",
                        why);
}

int cs_config_set_histogram_by(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    static const char *const words[] = {
        [CS_HISTOGRAM_WORKLOAD] = "workload",
        [CS_HISTOGRAM_SERVICE_ACCOUNT] = "service-account",
        [CS_HISTOGRAM_MECHANISM] = "mechanism",
    };
    int r = word_find(value, words, CS_ARRAY_SIZE(words), why);

    if (r >= 0)
        ((struct cs_config *)target)->histogram_by = (enum cs_histogram_by)r;
    return r < 0 ? r : 0;
}

int cs_config_set_identity_labels(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    static const char *const words[] = {
        [CS_IDENTITY_FULL] = "full",
        [CS_IDENTITY_HASH] = "hash",
        [CS_IDENTITY_OFF] = "off",
    };
    int r = word_find(value, words, CS_ARRAY_SIZE(words), why);

    if (r >= 0)
        ((struct cs_config *)target)->identity_labels = (enum cs_identity_labels)r;
    return r < 0 ? r : 0;
}

static int life_set(const char *value, uint64_t *life_ns, char why[CS_OPTION_WHY_MAX])
{
    uint64_t hours;

    if (number_set(value, 1, LIFE_HOURS_MAX, &hours, why) < 0)
        return -EINVAL;
    *life_ns = hours * 3600 * CS_NSEC_PER_SEC;
    return 0;
}

int cs_config_set_aws_credential_life(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    return life_set(value, &((struct cs_config *)target)->credential_life.aws_ns, why);
}

int cs_config_set_azure_credential_life(void *target, const char *value,
                                        char why[CS_OPTION_WHY_MAX])
{
    return life_set(value, &((struct cs_config *)target)->credential_life.azure_ns, why);
}

int cs_config_set_max_series(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    uint64_t number;

    if (number_set(value, SERIES_MIN, SERIES_MAX, &number, why) < 0)
        return -EINVAL;
    ((struct cs_config *)target)->max_series = (uint32_t)number;
    return 0;
}

int cs_config_set_pod_labels(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    (void)why;
    ((struct cs_config *)target)->pod_labels = strcmp(value, "true") == 0;
    return 0;
}

int cs_config_set_bpf_stats(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    (void)why;
    ((struct cs_config *)target)->bpf_stats = strcmp(value, "true") == 0;
    return 0;
}

int cs_config_set_log_level(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    int level = cs_log_level_parse(value);

    if (level < 0)
        return REFUSE("must be error, warning, info or debug");
    ((struct cs_config *)target)->log_level = (enum cs_log_level)level;
    return 0;
}

int cs_config_set_log_format(void *target, const char *value, char why[CS_OPTION_WHY_MAX])
{
    static const char *const words[] = {[CS_LOG_TEXT] = "text", [CS_LOG_JSON] = "json"};
    int r = word_find(value, words, CS_ARRAY_SIZE(words), why);

    if (r >= 0)
        ((struct cs_config *)target)->log_format = (enum cs_log_format)r;
    return r < 0 ? r : 0;
}
