/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits a PodList (API server, kubelet, `kubectl get pods -o json`) into its pods while it comes
 * in: memory is one pod's text, at most the bound. The list's metadata may come before or behind
 * the items; chunk borders mean nothing; an element that is too large, too deep, malformed or no
 * object is skipped and counted. What is wrong outside the items fails the list.
 */
#ifndef CS_CORE_KUBE_LIST_H
#define CS_CORE_KUBE_LIST_H

#include "base/buffer.h"
#include "core/kube/kube_json.h"
#include "core/kube/kube_report.h"

#define CS_KUBE_VERSION_MAX  128u /* a resource version with its NUL: opaque, 20 digits today */
#define CS_KUBE_CONTINUE_MAX CS_JSON_TEXT_MAX

struct cs_kube_list {
    struct cs_kube_report *report;
    struct cs_json_scan scan;
    struct cs_buffer pod; /* of the element that is coming in */

    /* Valid after cs_kube_list_finish; "" when absent. */
    char resource_version[CS_KUBE_VERSION_MAX];
    char continue_token[CS_KUBE_CONTINUE_MAX + 1];
    bool continue_unusable; /* there is more, but the token can't be used */

    /* Private. */
    uint8_t key, metadata_key, place;
    bool in_pod, too_large, items_seen, failed;
};

/* The report outlives the list. */
void cs_kube_list_init(struct cs_kube_list *list, struct cs_kube_report *report,
                       size_t pod_bytes_max);

/* For the next answer; keeps the bound. */
void cs_kube_list_reset(struct cs_kube_list *list);
void cs_kube_list_free(struct cs_kube_list *list);

/* Pods go to the report. False: failed, more makes no difference. */
bool cs_kube_list_feed(struct cs_kube_list *list, const char *bytes, size_t n);

/* The answer has ended. 0, or -EPROTO: no whole list. */
int cs_kube_list_finish(struct cs_kube_list *list);

/* The reason for which an element with these scanner faults is skipped. */
enum cs_kube_skip cs_kube_skip_of_faults(uint32_t faults);

#endif
