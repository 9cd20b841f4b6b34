/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_json.h"

#include "core/kube/kube_event.h"
#include "core/pods/pod_json_private.h"
#include "core/pods/pod_tree.h"

#include <stdio.h>
#include <string.h>

static const char *const ERROR_NAMES[] = {
    [CS_POD_OK] = "ok",
    [CS_POD_TOO_LARGE] = "too_large",
    [CS_POD_NOT_JSON] = "not_json",
    [CS_POD_TOO_COMPLEX] = "too_complex",
    [CS_POD_NOT_A_POD] = "not_a_pod",
    [CS_POD_NO_NAME] = "no_name",
    [CS_POD_BAD_UTF8] = "bad_utf8",
    [CS_POD_DUPLICATE] = "duplicate_field",
    [CS_POD_NO_MEMORY] = "no_memory",
};
_Static_assert(CS_ARRAY_SIZE(ERROR_NAMES) == CS_POD_ERROR_END, "error names");

static const char *const PHASE_NAMES[] = {
    [CS_POD_PHASE_UNKNOWN] = "Unknown", [CS_POD_PENDING] = "Pending", [CS_POD_RUNNING] = "Running",
    [CS_POD_SUCCEEDED] = "Succeeded",   [CS_POD_FAILED] = "Failed",
};
_Static_assert(CS_ARRAY_SIZE(PHASE_NAMES) == CS_POD_PHASE_END, "phase names");

const char *cs_pod_error_name(enum cs_pod_error error)
{
    return ERROR_NAMES[error];
}

const char *cs_pod_phase_name(enum cs_pod_phase phase)
{
    return PHASE_NAMES[phase];
}

/* Only letters, figures and '-': what a pod's directory can be named after. */
static bool is_uid(const char *text)
{
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    return text[0] != '\0' && text[strspn(text, ALLOWED)] == '\0';
}

/* Days from 1970-01-01 in the Gregorian calendar; March is a year's first month here. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t m = (month + 9) % 12;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* metav1.Time: RFC 3339 in UTC, whole seconds. 0: not of that form. */
static int64_t time_of(const char *text)
{
    int year, month, day, hour, minute, second, end = 0;

    if (!text || strlen(text) != 20 ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second,
               &end) != 6 ||
        end != 20 || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
        minute < 0 || second < 0)
        return 0;
    return ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

static enum cs_pod_phase phase_of(const char *text)
{
    for (enum cs_pod_phase phase = 0; text && phase < CS_POD_PHASE_END; phase++)
        if (strcmp(PHASE_NAMES[phase], text) == 0)
            return phase;
    return CS_POD_PHASE_UNKNOWN;
}

static void read_owner(struct cs_pod_reading *reading, const cJSON *metadata)
{
    const cJSON *owner = cs_pod_items(reading, metadata, "ownerReferences");
    struct cs_pod *pod = reading->pod;

    while (owner && !cs_pod_true(reading, owner, "controller"))
        owner = owner->next;
    cs_pod_copy(reading, owner, "kind", pod->owner_kind, sizeof(pod->owner_kind));
    cs_pod_copy(reading, owner, "name", pod->owner_name, sizeof(pod->owner_name));
}

static void read_labels(struct cs_pod_reading *reading, const cJSON *metadata)
{
    const cJSON *labels = cs_pod_field(reading, metadata, "labels", cJSON_Object);
    struct cs_pod *pod = reading->pod;
    const char *use;

    cs_pod_copy(reading, labels, "pod-template-hash", pod->template_hash,
                sizeof(pod->template_hash));
    cs_pod_copy(reading, labels, "rollouts-pod-template-hash", pod->rollout_hash,
                sizeof(pod->rollout_hash));
    cs_pod_copy(reading, labels, "aadpodidbinding", pod->aad_binding, sizeof(pod->aad_binding));
    use = cs_pod_text(reading, labels, "azure.workload.identity/use");
    reading->evidence.aad_binding = pod->aad_binding[0] != '\0';
    reading->evidence.azure_use = use && strcmp(use, "true") == 0;
}

/* kubelet pkg/kubelet/types/pod_update.go. Anybody may write these annotations. But what a
 * controller made is nobody's static pod, kubelet deletes a mirror pod that has no static one, and
 * its own list has a static pod by the hash as UID, which the API gives to none: nobody else can
 * have the requests of another's cgroup. */
static void read_static(struct cs_pod_reading *reading, const cJSON *annotations)
{
    const char *source = cs_pod_text(reading, annotations, "kubernetes.io/config.source");
    const char *mirror = cs_pod_text(reading, annotations, "kubernetes.io/config.mirror");
    struct cs_pod *pod = reading->pod;

    if (pod->owner_kind[0] != '\0' && strcmp(pod->owner_kind, "Node") != 0)
        return;
    cs_pod_copy(reading, annotations, "kubernetes.io/config.hash", pod->static_hash,
                sizeof(pod->static_hash));
    pod->is_static =
        mirror || (source && strcmp(source, "api") != 0 && strcmp(pod->static_hash, pod->uid) == 0);
    if (!pod->is_static || !is_uid(pod->static_hash))
        pod->static_hash[0] = '\0';
}

static void read_annotations(struct cs_pod_reading *reading, const cJSON *metadata)
{
    const cJSON *annotations = cs_pod_field(reading, metadata, "annotations", cJSON_Object);
    struct cs_pod *pod = reading->pod;

    read_static(reading, annotations);
    cs_pod_copy(reading, annotations, "iam.amazonaws.com/role", pod->iam_role,
                sizeof(pod->iam_role));
    reading->evidence.iam_annotation = pod->iam_role[0] != '\0';
    reading->evidence.azure_sidecar =
        cs_pod_text(reading, annotations, "azure.workload.identity/inject-proxy-sidecar") != NULL;
    reading->azure_skip =
        cs_pod_text(reading, annotations, "azure.workload.identity/skip-containers");
}

static void read_metadata(struct cs_pod_reading *reading, const cJSON *metadata)
{
    struct cs_pod *pod = reading->pod;

    cs_pod_copy(reading, metadata, "uid", pod->uid, sizeof(pod->uid));
    cs_pod_copy(reading, metadata, "name", pod->name, sizeof(pod->name));
    cs_pod_copy(reading, metadata, "namespace", pod->namespace, sizeof(pod->namespace));
    if ((!is_uid(pod->uid) || !pod->name[0] || !pod->namespace[0]) && reading->error == CS_POD_OK)
        reading->error = CS_POD_NO_NAME;
    cs_pod_copy(reading, metadata, "generateName", pod->generate_name, sizeof(pod->generate_name));
    /* Who gives a name as well gets that, and the other has no meaning. */
    if (strncmp(pod->name, pod->generate_name, strlen(pod->generate_name)) != 0)
        pod->generate_name[0] = '\0';
    pod->created_s = time_of(cs_pod_text(reading, metadata, "creationTimestamp"));
    pod->deleting = cs_pod_text(reading, metadata, "deletionTimestamp") != NULL;
    read_owner(reading, metadata);
    read_labels(reading, metadata);
    read_annotations(reading, metadata);
}

static void read_spec(struct cs_pod_reading *reading, const cJSON *spec)
{
    struct cs_pod *pod = reading->pod;
    const char *account = pod->is_static ? CS_LABEL_NONE : "default";

    cs_pod_copy(reading, spec, "serviceAccountName", pod->service_account,
                sizeof(pod->service_account));
    if (!pod->service_account[0])
        cs_text_copy(pod->service_account, sizeof(pod->service_account), account, strlen(account));
    cs_pod_copy(reading, spec, "nodeName", pod->node_name, sizeof(pod->node_name));
    pod->host_network = cs_pod_true(reading, spec, "hostNetwork");
}

static void read_pod(struct cs_pod_reading *reading, const cJSON *root)
{
    const cJSON *status = cs_pod_field(reading, root, "status", cJSON_Object);
    const cJSON *spec = cs_pod_field(reading, root, "spec", cJSON_Object);

    read_metadata(reading, cs_pod_field(reading, root, "metadata", cJSON_Object));
    read_spec(reading, spec);
    reading->pod->phase = phase_of(cs_pod_text(reading, status, "phase"));
    cs_pod_containers_read(reading, spec, status);
}

static enum cs_pod_error read_tree(const cJSON *root, struct cs_pod **pod)
{
    struct cs_pod scratch = {0};
    struct cs_pod_reading reading = {.pod = &scratch};
    const char *kind;
    size_t containers;
    _cleanup_free_ struct cs_pod *made = NULL;

    if (!cJSON_IsObject(root))
        return CS_POD_NOT_A_POD;
    kind = cs_pod_text(&reading, root, "kind");
    if (kind && strcmp(kind, "Pod") != 0)
        return CS_POD_NOT_A_POD;
    containers =
        cs_pod_containers_count(&reading, cs_pod_field(&reading, root, "spec", cJSON_Object));
    if (containers > CS_POD_CONTAINERS_MAX)
        return CS_POD_TOO_COMPLEX;
    made = calloc(1, sizeof(*made) + containers * sizeof(made->containers[0]));
    if (!made)
        return CS_POD_NO_MEMORY;
    reading.pod = made;
    read_pod(&reading, root);
    if (reading.error == CS_POD_OK)
        *pod = TAKE_PTR(made);
    return reading.error;
}

enum cs_pod_error cs_pod_read(struct cs_slice json, struct cs_pod **pod)
{
    _cleanup_pod_tree_ struct cs_pod_tree tree = {0};
    enum cs_pod_error error;

    if (json.len > CS_KUBE_POD_BYTES_MAX)
        return CS_POD_TOO_LARGE;
    error = cs_pod_tree_parse(&tree, json);
    if (error == CS_POD_OK)
        error = read_tree(tree.root, pod);
    return error;
}
