/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of a pod: what they declare (spec) and who they are (status). */
#include "core/pods/pod_json_private.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_VOLUMES_MAX 32 /* looked at, of one pod */
#define PATH_LEN_MAX      1024

/* A projected service-account token; the tree's texts. */
struct token_volume {
    const char *volume;
    const char *audience;
    const char *path;
};

struct token_volumes {
    size_t count;
    struct token_volume list[TOKEN_VOLUMES_MAX];
};

/* spec's list, status' list; in the order in which a pod's containers start. */
static const struct {
    const char *spec, *status;
    enum cs_pod_container_kind kind;
} LISTS[] = {
    {"initContainers", "initContainerStatuses", CS_CONTAINER_INIT},
    {"containers", "containerStatuses", CS_CONTAINER_REGULAR},
    {"ephemeralContainers", "ephemeralContainerStatuses", CS_CONTAINER_EPHEMERAL},
};

size_t cs_pod_containers_count(struct cs_pod_reading *reading, const cJSON *spec)
{
    size_t count = 0;

    for (size_t i = 0; i < CS_ARRAY_SIZE(LISTS); i++) {
        const cJSON *item = cs_pod_items(reading, spec, LISTS[i].spec);

        for (; item; item = item->next)
            count++;
    }
    return count;
}

static void add_token(struct cs_pod_reading *reading, struct token_volumes *volumes,
                      const char *volume, const cJSON *source)
{
    const cJSON *token = cs_pod_field(reading, source, "serviceAccountToken", cJSON_Object);
    const char *audience = cs_pod_text(reading, token, "audience");
    const char *path = cs_pod_text(reading, token, "path");

    if (!token)
        return;
    if (volumes->count == TOKEN_VOLUMES_MAX) {
        reading->pod->odd++;
        return;
    }
    volumes->list[volumes->count++] = (struct token_volume){
        .volume = volume, .audience = audience ? audience : "", .path = path ? path : ""};
}

static void find_tokens(struct cs_pod_reading *reading, const cJSON *spec,
                        struct token_volumes *volumes)
{
    const cJSON *volume = cs_pod_items(reading, spec, "volumes");

    for (; volume; volume = volume->next) {
        const char *name = cs_pod_text(reading, volume, "name");
        const cJSON *projected = cs_pod_field(reading, volume, "projected", cJSON_Object);
        const cJSON *source = cs_pod_items(reading, projected, "sources");

        for (; name && source; source = source->next)
            add_token(reading, volumes, name, source);
    }
}

static void read_mounts(struct cs_pod_reading *reading, const cJSON *container,
                        const struct token_volumes *volumes, struct cs_declared_evidence *evidence)
{
    const cJSON *mount = cs_pod_items(reading, container, "volumeMounts");

    for (; volumes->count > 0 && mount; mount = mount->next) {
        const char *name = cs_pod_text(reading, mount, "name");
        const char *at = cs_pod_text(reading, mount, "mountPath");

        for (size_t i = 0; name && i < volumes->count; i++) {
            const struct token_volume *token = &volumes->list[i];
            char path[PATH_LEN_MAX];
            enum cs_token_audience audience;

            if (strcmp(token->volume, name) != 0)
                continue;
            if (snprintf(path, sizeof(path), "%s/%s", at ? at : "", token->path) >=
                (int)sizeof(path))
                path[0] = '\0';
            audience = cs_token_audience_find(token->audience, path);
            if (audience != CS_AUDIENCE_END)
                evidence->audiences |= 1u << audience;
        }
    }
}

/* The few values that are looked at; only two of them are kept, and only in their own form. */
static void read_value(struct cs_pod_reading *reading, const cJSON *item, enum cs_declared_env env,
                       struct cs_pod_container *container, struct cs_declared_evidence *evidence)
{
    const char *value;

    if (env != CS_ENV_AWS_ROLE_ARN && env != CS_ENV_AZURE_CLIENT_ID &&
        env != CS_ENV_AWS_CONTAINER_CREDENTIALS_FULL_URI)
        return;
    value = cs_pod_text(reading, item, "value");
    if (!value)
        return;
    if (env == CS_ENV_AWS_CONTAINER_CREDENTIALS_FULL_URI)
        cs_declared_uri(evidence, value);
    else if (env == CS_ENV_AWS_ROLE_ARN && cs_declared_is_role_arn(value))
        cs_text_copy(container->role_arn, sizeof(container->role_arn), value, strlen(value));
    else if (env == CS_ENV_AZURE_CLIENT_ID && cs_declared_is_client_id(value))
        cs_text_copy(container->client_id, sizeof(container->client_id), value, strlen(value));
}

static void read_env(struct cs_pod_reading *reading, const cJSON *spec,
                     struct cs_pod_container *container, struct cs_declared_evidence *evidence)
{
    const cJSON *item = cs_pod_items(reading, spec, "env");

    for (; item; item = item->next) {
        const char *name = cs_pod_text(reading, item, "name");
        enum cs_declared_env env = name ? cs_declared_env_find(name) : CS_ENV_END;

        if (env == CS_ENV_END)
            continue;
        evidence->env |= 1u << env;
        read_value(reading, item, env, container, evidence);
    }
}

/* name is one of the names, separated by semicolons (azure-workload-identity
 * pkg/webhook/webhook.go getSkipContainers). */
static bool is_listed(const char *list, const char *name)
{
    size_t len = strlen(name);

    while (list && *list != '\0') {
        size_t n;

        list += strspn(list, "; ");
        n = strcspn(list, "; ");
        if (n == len && memcmp(list, name, n) == 0)
            return true;
        list += n;
    }
    return false;
}

static void read_container(struct cs_pod_reading *reading, const cJSON *spec,
                           const struct token_volumes *volumes, struct cs_pod_container *container)
{
    struct cs_declared_evidence evidence = reading->evidence;

    cs_pod_copy(reading, spec, "name", container->name, sizeof(container->name));
    cs_pod_copy(reading, spec, "image", container->image, sizeof(container->image));
    if (is_listed(reading->azure_skip, container->name))
        evidence.azure_use = false;
    read_env(reading, spec, container, &evidence);
    read_mounts(reading, spec, volumes, &evidence);
    container->proxy = evidence.env & 1u << CS_ENV_PROXY;
    container->declared = cs_declared_of(&evidence);
}

/* "containerd://<id>", "cri-o://<id>", "docker://<id>"; 64 hexadecimal digits. */
static void read_id(struct cs_pod_reading *reading, const cJSON *object, char id[])
{
    const char *text = cs_pod_text(reading, object, "containerID");
    const char *scheme = text ? strstr(text, "://") : NULL;

    if (!text || text[0] == '\0')
        return;
    if (scheme && strlen(scheme + 3) == CS_CONTAINER_ID_LEN - 1 &&
        strspn(scheme + 3, "0123456789abcdef") == CS_CONTAINER_ID_LEN - 1)
        memcpy(id, scheme + 3, CS_CONTAINER_ID_LEN);
    else
        reading->pod->odd++;
}

static struct cs_pod_container *find_container(struct cs_pod *pod, enum cs_pod_container_kind kind,
                                               const char *name)
{
    for (uint32_t i = 0; i < pod->container_count; i++)
        if (pod->containers[i].kind == kind && strcmp(pod->containers[i].name, name) == 0)
            return &pod->containers[i];
    return NULL;
}

static void read_status(struct cs_pod_reading *reading, enum cs_pod_container_kind kind,
                        const cJSON *status)
{
    const char *name = cs_pod_text(reading, status, "name");
    struct cs_pod_container *container = name ? find_container(reading->pod, kind, name) : NULL;
    const cJSON *last = cs_pod_field(reading, status, "lastState", cJSON_Object);

    if (!container)
        return;
    read_id(reading, status, container->ids[0]);
    read_id(reading, cs_pod_field(reading, last, "terminated", cJSON_Object), container->ids[1]);
    if (strcmp(container->ids[0], container->ids[1]) == 0)
        container->ids[1][0] = '\0';
}

/* The proxy that the migration webhook adds: the pod has it, whatever says so. */
static bool has_azure_sidecar(const struct cs_pod *pod)
{
    for (uint32_t i = 0; i < pod->container_count; i++)
        if (strcmp(pod->containers[i].name, "azwi-proxy") == 0)
            return true;
    return false;
}

void cs_pod_containers_read(struct cs_pod_reading *reading, const cJSON *spec, const cJSON *status)
{
    struct token_volumes volumes = {0};
    struct cs_pod *pod = reading->pod;

    find_tokens(reading, spec, &volumes);
    for (size_t i = 0; i < CS_ARRAY_SIZE(LISTS); i++) {
        const cJSON *item = cs_pod_items(reading, spec, LISTS[i].spec);

        for (; item; item = item->next) {
            struct cs_pod_container *container = &pod->containers[pod->container_count++];

            container->kind = LISTS[i].kind;
            read_container(reading, item, &volumes, container);
        }
        item = cs_pod_items(reading, status, LISTS[i].status);
        for (; item; item = item->next)
            read_status(reading, LISTS[i].kind, item);
    }
    for (uint32_t i = 0; has_azure_sidecar(pod) && i < pod->container_count; i++)
        pod->containers[i].declared |= CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY_PROXY);
}
