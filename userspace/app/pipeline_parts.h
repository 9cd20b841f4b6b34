/* SPDX-License-Identifier: Apache-2.0 */
/* What pipeline.c and pipeline_pods.c share. */
#ifndef CS_APP_PIPELINE_PARTS_H
#define CS_APP_PIPELINE_PARTS_H

#include "app/pipeline.h"

/* The subject's pod may become known: the exchange waits, and cs_pipeline_waited gets it. False:
 * there is nothing to wait for. */
bool cs_pipeline_wait(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                      const struct cs_verdict *verdict, const struct cs_subject *subject);

/* For cs_pending_options.sink, with the pipeline as user. */
void cs_pipeline_waited(void *pipeline, const struct cs_exchange *exchange,
                        const struct cs_verdict *verdict, enum cs_pending_why why);

/* Note what the exchange says of its container's coming and going, and record what is new. */
void cs_pipeline_use(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                     const struct cs_verdict *verdict, const struct cs_subject *subject,
                     struct cs_usage_first *first);

/* The token whose open is part of the evidence; CS_MECHANISM_END: none is. */
enum cs_mechanism cs_pipeline_classify(const struct cs_pipeline *pipeline,
                                       const struct cs_exchange *exchange,
                                       struct cs_verdict *verdict);

/* Into the event log; len as the line's writer returned it. False: there is none. */
bool cs_pipeline_keep_line(struct cs_pipeline *pipeline, int len);

/* What is evidence for findings. */
void cs_pipeline_find(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                      const struct cs_verdict *verdict, const struct cs_subject *subject,
                      const struct cs_pod_facts *facts, const struct cs_usage_first *first);
void cs_pipeline_find_token(struct cs_pipeline *pipeline, uint64_t cgroup_id,
                            enum cs_mechanism mechanism, uint64_t time_ns);

/* To be called once the table of containers has noted it. */
void cs_pipeline_cgroup_removed(struct cs_pipeline *pipeline, uint64_t cgroup_id);

#endif
