/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/cgroup_path.h"

#include <errno.h>
#include <string.h>

#define CONTAINER_ID_DIGITS (CS_CONTAINER_ID_LEN - 1)

static const char *const qos_names[] = {
    [CS_QOS_UNKNOWN] = "~unknown",
    [CS_QOS_GUARANTEED] = "Guaranteed",
    [CS_QOS_BURSTABLE] = "Burstable",
    [CS_QOS_BESTEFFORT] = "BestEffort",
};
_Static_assert(CS_ARRAY_SIZE(qos_names) == CS_QOS_END, "a name for each QoS class");

static const char *const runtime_names[] = {
    [CS_RUNTIME_UNKNOWN] = "~unknown", [CS_RUNTIME_CONTAINERD] = "containerd",
    [CS_RUNTIME_CRIO] = "cri-o",       [CS_RUNTIME_DOCKER] = "docker",
    [CS_RUNTIME_PODMAN] = "podman",    [CS_RUNTIME_KATA] = "kata",
};
_Static_assert(CS_ARRAY_SIZE(runtime_names) == CS_RUNTIME_END, "a name for each runtime");

/* What stands before the id in a container's directory. A monitor's ("crio-conmon-") is not a
 * container and is not here. */
static const struct {
    const char *prefix;
    enum cs_runtime runtime;
} container_prefixes[] = {
    {"", CS_RUNTIME_UNKNOWN},
    {"cri-containerd-", CS_RUNTIME_CONTAINERD},
    {"containerd-", CS_RUNTIME_CONTAINERD},
    {"nerdctl-", CS_RUNTIME_CONTAINERD},
    {"crio-", CS_RUNTIME_CRIO},
    {"docker-", CS_RUNTIME_DOCKER},
    {"libpod-", CS_RUNTIME_PODMAN},
    {"kata_", CS_RUNTIME_KATA},
};

const char *cs_qos_name(enum cs_qos qos)
{
    return qos < CS_QOS_END ? qos_names[qos] : qos_names[CS_QOS_UNKNOWN];
}

const char *cs_runtime_name(enum cs_runtime runtime)
{
    return runtime < CS_RUNTIME_END ? runtime_names[runtime] : runtime_names[CS_RUNTIME_UNKNOWN];
}

/* Take text off the start of the slice, if it is there. */
static bool slice_skip(struct cs_slice *slice, const char *text)
{
    size_t len = strlen(text);

    if (slice->len < len || memcmp(slice->data, text, len) != 0)
        return false;
    slice->data += len;
    slice->len -= len;
    return true;
}

static bool slice_cut_end(struct cs_slice *slice, const char *text)
{
    size_t len = strlen(text);

    if (slice->len < len || memcmp(slice->data + slice->len - len, text, len) != 0)
        return false;
    slice->len -= len;
    return true;
}

/* The next non-empty component; false at the end. */
static bool component_next(struct cs_slice *rest, struct cs_slice *component)
{
    while (rest->len > 0) {
        *component = cs_slice_split(rest, '/');
        if (component->len > 0)
            return true;
    }
    return false;
}

/* Kubernetes, containerd, CRI-O and docker all write lower case. */
static bool all_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool container_id_parse(struct cs_slice text, char id[CS_CONTAINER_ID_LEN])
{
    if (text.len != CONTAINER_ID_DIGITS || !all_hex(text.data, text.len))
        return false;
    cs_text_copy(id, CS_CONTAINER_ID_LEN, text.data, text.len);
    return true;
}

/* 8-4-4-4-12 with '-' (cgroupfs driver) or '_' (systemd driver), or a static pod's 32 digits. */
static bool pod_uid_parse(struct cs_slice text, char uid[CS_POD_UID_LEN])
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    const char *at = text.data;

    if (text.len == 32 && all_hex(text.data, text.len)) {
        cs_text_copy(uid, CS_POD_UID_LEN, text.data, text.len);
        return true;
    }
    if (text.len != CS_POD_UID_LEN - 1)
        return false;
    for (size_t i = 0; i < CS_ARRAY_SIZE(groups); i++) {
        if (i > 0 && *at++ != text.data[8])
            return false;
        if (!all_hex(at, groups[i]))
            return false;
        at += groups[i];
    }
    if (text.data[8] != '-' && text.data[8] != '_')
        return false;
    cs_text_copy(uid, CS_POD_UID_LEN, text.data, text.len);
    for (char *c = uid; *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    return true;
}

/* A container's directory: "<id>", "<runtime>-<id>", "<runtime>-<id>.scope". */
static bool container_parse(struct cs_slice component, struct cs_cgroup_identity *identity)
{
    slice_cut_end(&component, ".scope");
    for (size_t i = 0; i < CS_ARRAY_SIZE(container_prefixes); i++) {
        struct cs_slice id = component;

        if (!slice_skip(&id, container_prefixes[i].prefix) ||
            !container_id_parse(id, identity->container_id))
            continue;
        identity->runtime = container_prefixes[i].runtime;
        return true;
    }
    return false;
}

/* "<runtime>:<id>", what follows a slice's name and a colon. */
static bool colon_container_parse(struct cs_slice text, struct cs_cgroup_identity *identity)
{
    struct cs_slice runtime = cs_slice_split(&text, ':');

    if (!container_id_parse(text, identity->container_id))
        return false;
    identity->runtime = CS_RUNTIME_UNKNOWN;
    for (size_t i = 0; i < CS_ARRAY_SIZE(container_prefixes); i++) {
        struct cs_slice prefix = {container_prefixes[i].prefix,
                                  strlen(container_prefixes[i].prefix)};

        if (slice_cut_end(&prefix, "-") && prefix.len == runtime.len &&
            memcmp(prefix.data, runtime.data, runtime.len) == 0)
            identity->runtime = container_prefixes[i].runtime;
    }
    return true;
}

/* Behind the last "kubepods" that starts the component or follows a '-'. */
static bool kubepods_skip(struct cs_slice *component)
{
    static const char name[] = "kubepods";
    const size_t len = sizeof(name) - 1;

    for (size_t at = component->len < len ? 0 : component->len - len + 1; at > 0; at--) {
        const char *start = component->data + at - 1;

        if (memcmp(start, name, len) != 0 || (at > 1 && start[-1] != '-'))
            continue;
        component->len -= at - 1 + len;
        component->data = start + len;
        return true;
    }
    return false;
}

/* The systemd driver's slice, "[PREFIX-]kubepods[-QOS]-pod<uid>.slice", and the colon form. */
static bool pod_slice_parse(struct cs_slice component, struct cs_cgroup_identity *identity)
{
    struct cs_slice name = cs_slice_split(&component, ':');
    enum cs_qos qos = CS_QOS_GUARANTEED;

    if (!kubepods_skip(&name) || !slice_cut_end(&name, ".slice"))
        return false;
    if (slice_skip(&name, "-burstable"))
        qos = CS_QOS_BURSTABLE;
    else if (slice_skip(&name, "-besteffort"))
        qos = CS_QOS_BESTEFFORT;
    if (!slice_skip(&name, "-pod") || !pod_uid_parse(name, identity->pod_uid))
        return false;
    identity->qos = qos;
    identity->container_id[0] = '\0';
    identity->runtime = CS_RUNTIME_UNKNOWN;
    colon_container_parse(component, identity);
    return true;
}

/* The cgroupfs driver's "pod<uid>", below a directory that names the QoS class. */
static bool pod_directory_parse(struct cs_slice component, struct cs_slice parent,
                                struct cs_cgroup_identity *identity)
{
    if (!slice_skip(&component, "pod") || !pod_uid_parse(component, identity->pod_uid))
        return false;
    identity->container_id[0] = '\0';
    identity->runtime = CS_RUNTIME_UNKNOWN;
    if (cs_slice_is(parent, "burstable"))
        identity->qos = CS_QOS_BURSTABLE;
    else if (cs_slice_is(parent, "besteffort"))
        identity->qos = CS_QOS_BESTEFFORT;
    else
        identity->qos = cs_slice_is(parent, "kubepods") ? CS_QOS_GUARANTEED : CS_QOS_UNKNOWN;
    return true;
}

void cs_cgroup_identify(struct cs_slice path, bool cut, struct cs_cgroup_identity *identity)
{
    struct cs_slice parent = {"", 0}, component;
    bool relative =
        path.len >= 3 && memcmp(path.data, "/..", 3) == 0 && (path.len == 3 || path.data[3] == '/');
    bool in_pod_directory = false;

    memset(identity, 0, sizeof(*identity));
    /* What is left of the last name may look whole. */
    while (cut && path.len > 0 && path.data[path.len - 1] != '/')
        path.len--;
    while (component_next(&path, &component)) {
        bool in_pod = identity->pod_uid[0] != '\0';

        if (!in_pod && (pod_slice_parse(component, identity) ||
                        pod_directory_parse(component, parent, identity))) {
            in_pod_directory = identity->container_id[0] == '\0';
        } else if (in_pod_directory || !in_pod) {
            /* Only the pod's own children are its containers: what is below those is theirs. */
            container_parse(component, identity);
            in_pod_directory = false;
        }
        parent = component;
    }
    if (identity->pod_uid[0] != '\0')
        identity->kind = CS_CGROUP_POD;
    else
        identity->kind = cut || relative ? CS_CGROUP_UNKNOWN : CS_CGROUP_HOST;
}

int cs_cgroup_line_parse(struct cs_slice line, struct cs_cgroup_line *parsed)
{
    struct cs_slice number = cs_slice_split(&line, ':');
    struct cs_slice controllers = cs_slice_split(&line, ':');
    unsigned int hierarchy = 0;

    if (number.len == 0 || number.len > 9 || line.len == 0 || line.data[0] != '/')
        return -EINVAL;
    for (size_t i = 0; i < number.len; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return -EINVAL;
        hierarchy = hierarchy * 10 + (unsigned int)(number.data[i] - '0');
    }
    parsed->hierarchy = hierarchy;
    parsed->controllers = controllers;
    parsed->path = line;
    return 0;
}

/* How much a line tells; more is better, 0 is nothing. */
static int line_rank(const struct cs_cgroup_line *line)
{
    struct cs_cgroup_identity identity;

    cs_cgroup_identify(line->path, false, &identity);
    if (identity.kind == CS_CGROUP_POD)
        return line->hierarchy == 0 ? 6 : 5;
    if (line->path.len <= 1)
        return 1;
    if (line->hierarchy == 0)
        return 4;
    return cs_slice_is(line->controllers, "name=systemd") ? 3 : 2;
}

int cs_cgroup_lines_pick(struct cs_slice text, struct cs_slice *path)
{
    int best = 0;

    while (text.len > 0) {
        struct cs_cgroup_line line;

        if (cs_cgroup_line_parse(cs_slice_split(&text, '\n'), &line) < 0)
            continue;
        int rank = line_rank(&line);

        if (rank > best) {
            best = rank;
            *path = line.path;
        }
    }
    return best > 0 ? 0 : -EINVAL;
}
