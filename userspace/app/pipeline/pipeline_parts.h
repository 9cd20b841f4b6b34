/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline's files share. */
#ifndef CS_APP_PIPELINE_PARTS_H
#define CS_APP_PIPELINE_PARTS_H

#include "app/pipeline/pipeline.h"

/* Ids made up for paths of v1 processes; the kernel's kernfs ids never have this bit. */
#define CS_PIPELINE_MADE_UP_ID (UINT64_C(1) << 63)

/* Who made an exchange, as far as it is known. */
struct cs_pipeline_caller {
    const struct cs_subject *subject;
    const struct cs_pod_facts *facts;
};

/* The tables of evidence: token opens, calls, who stands between. 0 or -errno. */
int cs_pipeline_evidence_make(struct cs_pipeline *pipeline);
void cs_pipeline_evidence_free(struct cs_pipeline *pipeline);

/* The pods' part, for the limits of this node. 0 or -errno. */
int cs_pipeline_pods_make(struct cs_pipeline *pipeline, const struct cs_pipeline_options *options);
void cs_pipeline_pods_free(struct cs_pipeline *pipeline);

/* The findings, after the pods' part, whose labels they use. 0 or -errno. */
int cs_pipeline_findings_make(struct cs_pipeline *pipeline,
                              const struct cs_pipeline_options *options);

/* As classification wants it; its texts are the subject's. */
struct cs_party cs_pipeline_party(const struct cs_subject *subject);

/* To be called of facts by which a connection begins, is made, sends, or is about to end without
 * having been made: does it pass on another's? */
void cs_pipeline_relay(struct cs_pipeline *pipeline, const struct cs_fact_header *header);

/* The exchange is another one, seen again on the connection of a proxy. */
bool cs_pipeline_is_relay(const struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                          const struct cs_subject *subject);

/* Classify, use up the token open that explains the exchange, and note it for those to come. */
void cs_pipeline_classify(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                          const struct cs_pipeline_caller *caller, struct cs_verdict *verdict);

/* The same without using or noting anything. */
void cs_pipeline_classify_in_flight(struct cs_pipeline *pipeline,
                                    const struct cs_exchange *exchange,
                                    const struct cs_pipeline_caller *caller,
                                    struct cs_verdict *verdict);

/* By the evidence of before and by what is known of the caller now. */
void cs_pipeline_classify_again(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                                const struct cs_pipeline_caller *caller,
                                const struct cs_verdict *before, struct cs_verdict *verdict);

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

/* Into the event log; len as the line's writer returned it. False: there is none. */
bool cs_pipeline_keep_line(struct cs_pipeline *pipeline, int len);

/* What is evidence for findings. */
void cs_pipeline_find(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                      const struct cs_verdict *verdict, const struct cs_subject *subject,
                      const struct cs_pod_facts *facts, const struct cs_usage_first *first);
void cs_pipeline_find_token(struct cs_pipeline *pipeline, uint64_t cgroup_id,
                            enum cs_mechanism mechanism, uint64_t time_ns);

/* When the container that a cgroup is of ended, as far as that cgroup tells; 0: it runs. */
uint64_t cs_pipeline_ended(const struct cs_container *container);

/* To be called once the table of containers has noted it. */
void cs_pipeline_cgroup_removed(struct cs_pipeline *pipeline, uint64_t cgroup_id);

#endif
