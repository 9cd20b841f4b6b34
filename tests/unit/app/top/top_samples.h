/* SPDX-License-Identifier: Apache-2.0 */
/* Documents as /api/v1/workloads sends them. */
#ifndef CS_TESTS_TOP_SAMPLES_H
#define CS_TESTS_TOP_SAMPLES_H

#include <stdio.h>
#include <string.h>

#define TOP_USE_FORMAT                                                                 \
    "{\"mechanism\":\"%s\",\"class\":\"%s\",\"pods_using\":1,\"requests\":{\"ok\":%u," \
    "\"refused\":1,\"throttled\":%u},\"total\":%u,\"failures\":%u,\"credentials\":%u," \
    "\"duration_seconds\":{\"count\":3,\"sum\":1,\"p50\":0.0125,\"p99\":%s},"          \
    "\"last_success\":\"2026-11-21T06:29:30.000Z\",\"last_failure\":null,"             \
    "\"in_flight\":%u,\"oldest_in_flight_seconds\":%s}"

/* Of every workload: one for irsa, one for eks-pod-identity, one for any, one that is expected. */
#define TOP_FINDINGS                                                                          \
    "{\"finding\":\"imdsv1\",\"severity\":\"critical\",\"expected\":true,\"mechanisms\":[]}," \
    "{\"finding\":\"throttled\",\"severity\":\"info\",\"expected\":false,"                    \
    "\"mechanisms\":[]},"                                                                     \
    "{\"finding\":\"retiring-mechanism\",\"severity\":\"warning\",\"expected\":false,"        \
    "\"mechanisms\":[\"sts\",\"irsa\"]},"                                                     \
    "{\"finding\":\"refresh-failing\",\"severity\":\"critical\",\"expected\":false,"          \
    "\"mechanisms\":[\"eks-pod-identity\"]}"

/* One mechanism of a workload. */
struct top_use {
    const char *namespace, *workload, *mechanism, *class;
    unsigned int total, failures, in_flight;
    const char *p99;
};

/* The document; a workload a use, and one without any. */
static inline const char *top_document(const char *run_id, const struct top_use *uses, size_t n)
{
    static char text[1 << 16];
    size_t len = (size_t)snprintf(text, sizeof(text),
                                  "{\"schema\":1,\"node\":\"node-1\",\"run_id\":\"%s\","
                                  "\"time\":\"2026-11-21T06:30:00.500Z\","
                                  "\"observed_seconds\":3723.5,\"workloads\":[",
                                  run_id);

    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(
            text + len, sizeof(text) - len,
            "{\"namespace\":\"%s\",\"service_account\":\"sa\",\"workload_kind\":\"Deployment\","
            "\"workload\":\"%s\",\"pods\":3,\"declared\":[{\"set\":\"irsa\",\"pods\":2},"
            "{\"set\":\"none\",\"pods\":1}],\"findings\":[" TOP_FINDINGS
            "],\"mechanisms\":[" TOP_USE_FORMAT "]},",
            uses[i].namespace, uses[i].workload, uses[i].mechanism, uses[i].class,
            uses[i].total - uses[i].failures, uses[i].failures, uses[i].total, uses[i].failures,
            uses[i].total - uses[i].failures, uses[i].p99, uses[i].in_flight,
            uses[i].in_flight ? "1.5" : "null");
    snprintf(text + len, sizeof(text) - len,
             "{\"namespace\":\"shop\",\"service_account\":\"sa\",\"workload_kind\":\"Deployment\","
             "\"workload\":\"quiet\",\"pods\":1,\"declared\":[],\"mechanisms\":[]}],"
             "\"omitted\":0}");
    return text;
}

#endif
