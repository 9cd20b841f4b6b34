/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/subject.h"

#include "core/attribute/container_table.h"
#include "core/attribute/unit_name.h"

#include <string.h>

static void label_set(char *to, size_t size, const char *text)
{
    cs_text_copy(to, size, text, strlen(text));
}

static void workload_set(struct cs_workload *workload, const char *owner, const char *kind,
                         const char *name)
{
    label_set(workload->namespace, sizeof(workload->namespace), owner);
    label_set(workload->service_account, sizeof(workload->service_account), owner);
    label_set(workload->workload_kind, sizeof(workload->workload_kind), kind);
    label_set(workload->workload, sizeof(workload->workload), name);
}

void cs_subject_unknown(enum cs_attribution attribution, struct cs_subject *subject)
{
    memset(subject, 0, sizeof(*subject));
    subject->attribution = attribution;
    workload_set(&subject->workload, CS_LABEL_UNKNOWN, CS_LABEL_UNKNOWN, CS_LABEL_UNKNOWN);
}

static void cgroup_set(struct cs_subject *subject, struct cs_slice path)
{
    cs_text_copy(subject->cgroup, sizeof(subject->cgroup), path.data, path.len);
    for (char *c = subject->cgroup; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

void cs_subject_from_path(struct cs_slice path, bool cut, struct cs_subject *subject)
{
    struct cs_cgroup_identity identity;
    char unit[CS_NAME_MAX];

    cs_cgroup_identify(path, cut, &identity);
    cs_subject_unknown(CS_ATTRIBUTION_NO_CGROUP, subject);
    cgroup_set(subject, path);
    memcpy(subject->container_id, identity.container_id, sizeof(subject->container_id));
    memcpy(subject->pod_uid, identity.pod_uid, sizeof(subject->pod_uid));
    switch (identity.kind) {
    case CS_CGROUP_POD:
        subject->attribution = CS_ATTRIBUTION_POD_UID;
        workload_set(&subject->workload, CS_LABEL_UNKNOWN, "Pod", identity.pod_uid);
        break;
    case CS_CGROUP_HOST:
        subject->attribution = CS_ATTRIBUTION_HOST;
        cs_unit_name(path, unit, sizeof(unit));
        workload_set(&subject->workload, CS_LABEL_HOST, "SystemdUnit", unit);
        break;
    default:
        break;
    }
}
