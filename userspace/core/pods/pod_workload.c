/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_workload.h"

#include "base/util.h"

#include <string.h>

struct cs_label *cs_pod_workload_get(struct cs_labels *labels, const struct cs_workload *workload)
{
    const char *const names[] = {workload->namespace, workload->service_account,
                                 workload->workload_kind, workload->workload};
    char text[sizeof(*workload)];
    size_t len = 0;

    /* Each with its NUL, which no name has. */
    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++) {
        size_t n = strlen(names[i]) + 1;

        memcpy(text + len, names[i], n);
        len += n;
    }
    return cs_labels_get(labels, text, len);
}

void cs_pod_workload_read(const struct cs_label *label, struct cs_workload *workload)
{
    const struct {
        char *to;
        size_t size;
    } names[] = {
        {workload->namespace, sizeof(workload->namespace)},
        {workload->service_account, sizeof(workload->service_account)},
        {workload->workload_kind, sizeof(workload->workload_kind)},
        {workload->workload, sizeof(workload->workload)},
    };
    size_t len;
    const char *text = cs_label_text(label, &len);

    for (size_t i = 0; i < CS_ARRAY_SIZE(names); i++) {
        size_t n = strlen(text);

        cs_text_copy(names[i].to, names[i].size, text, n);
        text += n + 1;
    }
}
