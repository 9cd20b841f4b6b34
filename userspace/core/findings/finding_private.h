/* SPDX-License-Identifier: Apache-2.0 */
/* What the findings' sources share. */
#ifndef CS_CORE_FINDING_PRIVATE_H
#define CS_CORE_FINDING_PRIVATE_H

#include "core/findings/findings.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define CS_FINDING_ENTRIES_MAX      24 /* open findings of one container */
#define CS_FINDING_SDKS_MAX         4  /* SDKs told of for one container */
#define CS_FINDING_DETAIL_MAX       128
#define CS_FINDING_ASSOCIATIONS_MAX 512
#define CS_FINDING_TOKEN_READS      3
#define CS_FINDING_TRIES_MIN        3
#define CS_FINDING_NO_ADDRESS       0xff

/* What fails since a success. Nobody was seen to fail in a pause of more than CS_FINDING_HOLD_NS
 * between two failures: time counts anew from its end, unless it is the third try that fails. */
struct cs_finding_tries {
    uint64_t failed_ns;  /* last failure; 0 none */
    uint64_t counted_ns; /* when the last try was counted */
    uint64_t resumed_ns; /* start of what failed first after the last pause; 0 none */
    uint8_t count;       /* stops at the minimum */
};

/* One open finding. A container has one of each finding and mechanism; the node, one of each
 * finding and address. */
struct cs_finding_entry {
    enum cs_finding finding;
    enum cs_mechanism mechanism;
    uint8_t address; /* index in cs_findings.addresses, or CS_FINDING_NO_ADDRESS */
    bool expected;
    enum cs_outcome outcome; /* of the last evidence, as the next four */
    uint16_t status;
    uint64_t span_ns; /* how long it took, or has been so */
    char detail[CS_FINDING_DETAIL_MAX];
    uint64_t since_ns;
    uint64_t last_ns;
    uint64_t count;
};

/* What the containers of one pod share: in a mesh one reads the token and another sends it. */
struct cs_finding_pod {
    UT_hash_handle hh;
    uint32_t references;
    uint64_t success_ns; /* credentials by any route, or an answer that may have held some */
    char uid[CS_POD_UID_LEN];
};

/* Agent's answers to one (namespace, service account). */
struct cs_finding_association {
    UT_hash_handle hh;
    struct cs_label *account; /* namespace, NUL, service account; referenced */
    uint64_t missing_ns;      /* first 404 since it was last served; 0 none */
    uint64_t last_ns;         /* last answer */
};

struct cs_finding_container {
    UT_hash_handle hh;
    struct cs_finding_pod *pod; /* NULL: a host process */
    struct cs_label
        *workload; /* core/pods/pod_workload.h; these three referenced, NULL no memory */
    struct cs_label *pod_name;
    struct cs_label *name;
    enum cs_attribution attribution;
    uint64_t last_ns; /* last evidence of any kind */
    uint64_t ended_ns;
    bool host_network;
    bool interceptor; /* makes calls for those who ask it */

    /* Of its spec; unknown until spec_known. Wholly: of this container, not all the pod's. */
    bool spec_known;
    bool spec_whole;
    bool proxy;
    uint16_t declared;
    uint32_t unjudged; /* 1 << mechanism: delivered before the spec was known */

    uint64_t delivered_ns[CS_MECHANISM_END]; /* 0 never; of medium confidence or better */
    uint64_t credentials_ns; /* last delivery by whatever mechanism, of any confidence */
    uint64_t failing_ns[CS_MECHANISM_END]; /* first failure since any delivery; 0 none */
    bool missing;    /* the agent has answered it 404, and never served it since */
    uint64_t put_ns; /* first unanswered IMDSv2 PUT not judged yet, none answered since */
    uint64_t imds_answer_ns;
    uint64_t imds_served_ns;         /* an answer that refused nothing */
    uint64_t agent_ns;               /* last exchange with the agent, failed or not */
    struct cs_finding_tries renewal; /* since any delivery */

    uint64_t token_reads[CS_FINDING_TOKEN_READS]; /* the last ones, oldest first */
    enum cs_mechanism token_mechanism;
    uint64_t token_due_ns;   /* when there were enough to be judged soon; 0 not */
    uint64_t token_first_ns; /* the first of these */

    uint64_t sdks[CS_FINDING_SDKS_MAX]; /* hashes of those told of */

    uint32_t entry_count, entry_size;
    struct cs_finding_entry *entries;
    char key[CS_NAME_MAX + 8]; /* container id; else the pod's UID; "~host/" and the unit */
};

enum { CS_FINDING_AGENT_4, CS_FINDING_AGENT_6, CS_FINDING_IMDS_4, CS_FINDING_IMDS_6 };
#define CS_FINDING_ADDRESSES 4

/* One address of an end-point that this node has one of, as all its callers see it. */
struct cs_finding_address {
    uint64_t failing_ns; /* start of the first failure since anybody got an answer; 0 none */
    struct cs_finding_tries tries; /* since anybody got an answer */
    uint64_t answer_ns;            /* last answer to anybody */
    uint64_t host_ns;              /* last answer to a caller in the node's network namespace */
    uint64_t failing_caller;       /* hash of the first that failed */
    bool several;        /* … and others did since, or one in the node's network namespace */
    uint64_t stubborn;   /* one that failed on while another got an answer */
    uint64_t partial_ns; /* until when it counts as reachable for some */
};

struct cs_finding_gauge;

struct cs_findings {
    struct cs_findings_options options;
    struct cs_findings_stats stats;
    struct cs_labels *labels;
    int64_t wall_offset_ns;
    uint64_t lost_ns; /* when facts were lost last */
    uint64_t swept_ns;
    uint64_t judged_ns; /* when expectations were last looked up for what is open */
    struct cs_finding_container *containers;
    struct cs_finding_pod *pods;
    struct cs_finding_association *associations;
    struct cs_finding_gauge *gauges;
    struct cs_finding_address addresses[CS_FINDING_ADDRESSES];
    struct cs_finding_container *node; /* not in the table */
};

/* One piece of evidence and where it leads. */
struct cs_finding_case {
    struct cs_findings *findings;
    struct cs_finding_container *container;
    const struct cs_findings_input *input; /* NULL: time alone, or a token read */
    uint64_t now_ns;
    uint64_t at_ns; /* of the evidence */
    enum cs_mechanism mechanism;
    enum cs_outcome outcome;
    uint16_t status;
    uint8_t address;
    uint64_t span_ns;
    char detail[CS_FINDING_DETAIL_MAX];
};

/* ---- finding_state.c: who there is ---- */

/* The subject's state, made when it must be. NULL: of nobody known, or no room (counted). */
struct cs_finding_container *cs_finding_container_get(struct cs_findings *findings,
                                                      const struct cs_subject *subject,
                                                      uint64_t now_ns);
struct cs_finding_container *cs_finding_container_find(const struct cs_findings *findings,
                                                       const char *key);
int cs_finding_node_new(struct cs_findings *findings);
void cs_finding_container_free(struct cs_findings *findings,
                               struct cs_finding_container *container);

/* Take what the pod's spec says. */
void cs_finding_container_spec(struct cs_finding_container *container,
                               const struct cs_pod_facts *facts);

/* Better names than before, if they are. */
void cs_finding_container_name(struct cs_findings *findings, struct cs_finding_container *container,
                               const struct cs_subject *subject);

/* NULL: there is none, and it was not to be made or there is no room (counted). */
struct cs_finding_association *cs_finding_association_get(struct cs_findings *findings,
                                                          const struct cs_subject *subject,
                                                          uint64_t now_ns, bool make);
/* The agent served it: clear what its absence had opened, for all its containers. */
void cs_finding_association_served(struct cs_findings *findings,
                                   struct cs_finding_association *association);
void cs_finding_associations_expire(struct cs_findings *findings, uint64_t now_ns);
void cs_finding_state_free(struct cs_findings *findings);

/* Credentials of it may be valid still. */
bool cs_finding_uses(const struct cs_findings *findings,
                     const struct cs_finding_container *container, enum cs_mechanism mechanism,
                     uint64_t now_ns);

/* What began at start_ns fails at at_ns, perhaps still (and is told again). What fails within
 * apart_ns of the last that counted is the same try. Since when it fails on: since_ns or later. */
uint64_t cs_finding_try_failed(struct cs_finding_tries *tries, uint64_t start_ns, uint64_t at_ns,
                               uint64_t apart_ns, uint64_t since_ns);

/* ---- finding_open.c: what is open ---- */

/* The case shows that finding: open it, or note the evidence. */
void cs_finding_note(struct cs_finding_case *c, enum cs_finding finding);

/* Clear it, whatever its mechanism; nothing happens when it isn't open. */
void cs_finding_clear(struct cs_findings *findings, struct cs_finding_container *container,
                      enum cs_finding finding, uint8_t address);

/* Clear what success ends. */
void cs_finding_succeeded(struct cs_findings *findings, struct cs_finding_container *container,
                          enum cs_finding_success success);

/* Clear what time ends. */
void cs_finding_sweep(struct cs_findings *findings, struct cs_finding_container *container,
                      uint64_t now_ns);

/* Judge anew what is expected of what is open. */
void cs_finding_judge(struct cs_findings *findings, struct cs_finding_container *container,
                      uint64_t now_ns);

/* Open with whatever mechanism, or NULL; valid until another opens or clears. */
const struct cs_finding_entry *cs_finding_find(const struct cs_finding_container *container,
                                               enum cs_finding finding, uint8_t address);

/* Another name for the container: its gauges move. label is taken over. */
void cs_finding_rename(struct cs_findings *findings, struct cs_finding_container *container,
                       struct cs_label *label);
void cs_finding_gauges_free(struct cs_findings *findings);
void cs_finding_view(const struct cs_findings *findings,
                     const struct cs_finding_container *container,
                     const struct cs_finding_entry *entry, const struct cs_workload *workload,
                     struct cs_finding_view *view);

/* ---- finding_text.c ---- */

void cs_finding_explain(const struct cs_finding_container *container,
                        const struct cs_finding_entry *entry, const struct cs_workload *workload,
                        char to[CS_FINDING_TEXT_MAX]);

/* "169.254.170.23" … of an address index. */
const char *cs_finding_address_name(uint8_t address);

/* ---- finding_rules.c: what opens each ---- */

enum cs_finding_event {
    CS_FINDING_ON_EXCHANGE,
    CS_FINDING_ON_IN_FLIGHT,
    CS_FINDING_ON_DELIVERY, /* credentials, and what the pod declares is known */
};

/* Try every rule for that event. */
void cs_finding_rules(struct cs_finding_case *c, enum cs_finding_event event);

/* Whether enough is known of its spec to say what it declares. */
bool cs_finding_spec_tells(const struct cs_finding_container *container);

/* ---- finding_failing.c: whether the case shows it; may fill in the case's mechanism, span ---- */
bool cs_finding_shows_first_call_failed(struct cs_finding_case *c);
bool cs_finding_shows_refresh_failing(struct cs_finding_case *c);
bool cs_finding_shows_refresh_hanging(struct cs_finding_case *c);
bool cs_finding_shows_association_missing(struct cs_finding_case *c);
bool cs_finding_shows_association_propagating(struct cs_finding_case *c);
bool cs_finding_shows_credentials_refused(struct cs_finding_case *c);
bool cs_finding_shows_throttled(struct cs_finding_case *c);
bool cs_finding_shows_interceptor_slow(struct cs_finding_case *c);

/* ---- finding_time.c: what only time shows ---- */
void cs_finding_time(struct cs_findings *findings, struct cs_finding_container *container,
                     uint64_t now_ns);

/* ---- finding_address.c ---- */
void cs_finding_address_exchange(struct cs_findings *findings,
                                 const struct cs_findings_input *input, uint64_t now_ns);
void cs_finding_address_in_flight(struct cs_findings *findings,
                                  const struct cs_findings_input *input, uint64_t now_ns);

#endif
