// SPDX-License-Identifier: Apache-2.0
/*
 * Calls whose content is encrypted: the server's name says whom; token opens, record lengths,
 * the pod's spec, the answer's size and what the container did before say what. Each alone errs,
 * so they are weighed together, by one table for each end-point.
 */
#include "core/classify/classify_private.h"
#include "core/classify/classify_shape.h"

#include "base/util.h"
#include "core/pods/declared.h"

/* A token is read right before it is sent; a slow connect (two lost SYNs) may lie between. */
#define TOKEN_WINDOW_NS (5 * CS_NSEC_PER_SEC)

/* Token exchanges of one program are alike but for the token, whose length hardly changes. */
#define SAME_BYTES 2
#define NEAR_BYTES 64

/* GetCallerIdentity's body is 43 bytes; HTTP/2 adds 9. */
#define IDENTITY_BODY_MAX 60

/* The columns of the tables: each a set of values, ANY of them all. */
#define ANY 0xffff

enum opened {
    OF_PROCESS = 1 << 0,
    OF_CONTAINER = 1 << 1, /* by another process */
    OF_POD = 1 << 2,       /* by another container, and the pod redirects to one of its own */
    PAST = 1 << 3,         /* once, too long ago, or in a pod that doesn't redirect */
    NEVER = 1 << 4,
    UNSEEN = 1 << 5,    /* opens can't be seen */
    CONTESTED = 1 << 6, /* by the process, which has other calls under way */
};
#define PROCESS (OF_PROCESS | CONTESTED)
#define NOT_NOW (PAST | NEVER)

#define NONE   (1 << CS_SHAPE_NONE)
#define SMALL  (1 << CS_SHAPE_SMALL)
#define SIGNED (1 << CS_SHAPE_SIGNED)
#define KNOWN  (1 << CS_SHAPE_KNOWN)
#define LIKE   (1 << CS_SHAPE_LIKE)
#define BRIEF  (1 << CS_SHAPE_BRIEF)
#define ONE    (1 << CS_SHAPE_ONE)
#define OTHER  (1 << CS_SHAPE_OTHER)

enum declares {
    ONLY = 1 << 0, /* the mechanism, and none whose later calls look the same */
    ALSO = 1 << 1, /* the mechanism and others */
    NOT = 1 << 2,
    NO_SPEC = 1 << 3,
};

#define LITTLE   (1 << CS_ANSWER_SMALL)
#define LARGE    (1 << CS_ANSWER_LARGE)
#define NOT_TOLD (1 << CS_ANSWER_UNSEEN)

enum before {
    NOTHING = 1 << 0, /* no credentials so far: nothing can have been signed with any */
    SAME = 1 << 1,    /* a token exchange of the same size */
    NEAR = 1 << 2,    /* … nearly, by this process */
    LONGER = 1 << 3,  /* … of quite another size, by this process: this one is larger */
    SHORTER = 1 << 4, /* … smaller; or by another process and smaller */
    RETRY = 1 << 5,   /* the same, seconds ago, without success */
    ELSE = 1 << 6,    /* credentials by other means or by another process */
    BESIDE = 1 << 7,  /* another process with a token of its own, and not the same size */
    UNTOLD = 1 << 8,  /* not known, on a new connection */
    REUSED = 1 << 9,  /* not known, and not the connection's first call */
};
#define UNLIKE (LONGER | SHORTER)

enum verdict_of { TOKEN, CALL };

#define HIGH   CS_CONFIDENCE_HIGH
#define MEDIUM CS_CONFIDENCE_MEDIUM
#define LOW    CS_CONFIDENCE_LOW

/* The first row that fits decides. */
struct rule {
    uint16_t opened, shape, declares, answer, before;
    enum verdict_of verdict;
    enum cs_confidence confidence;
};

static const struct rule sts_rules[] = {
    {ANY, SMALL | SIGNED, ANY, ANY, ANY, CALL, HIGH},

    {PROCESS, KNOWN | LIKE, ANY, ANY, ANY, TOKEN, HIGH},
    /* Threads of one process: this may be another's signed call. */
    {PROCESS, ONE, ANY, ANY, UNLIKE, CALL, LOW},
    {PROCESS, ONE, ANY, LITTLE, NEAR, CALL, LOW},
    {CONTESTED, ONE, ANY, LITTLE, ANY, CALL, LOW},
    {CONTESTED, ONE, ANY, ANY, SAME, TOKEN, MEDIUM},
    {CONTESTED, ONE, ANY, ANY, ANY, TOKEN, LOW},
    {OF_PROCESS, ONE, ONLY | ALSO, LARGE, ANY, TOKEN, HIGH},
    {PROCESS, ONE | NONE, ANY, ANY, ANY, TOKEN, MEDIUM},

    /* A shell's `cat`, or another program's token. */
    {OF_CONTAINER, KNOWN, ANY, ANY, ANY, TOKEN, MEDIUM},
    {OF_CONTAINER, LIKE, ONLY | ALSO, ANY, ANY, TOKEN, LOW},
    {OF_CONTAINER, ONE, ONLY, LARGE, NOTHING, TOKEN, MEDIUM},
    {OF_CONTAINER, ONE, ONLY, ANY, SAME | RETRY, TOKEN, LOW},

    {OF_POD, KNOWN | LIKE, ANY, ANY, ANY, TOKEN, MEDIUM},
    {OF_POD, ONE, ONLY | ALSO, LARGE, ANY, TOKEN, LOW},

    /* Opened long before, by an init step, or at a path that isn't watched. */
    {NOT_NOW | UNSEEN, KNOWN, ONLY | ALSO, ANY, ANY, TOKEN, MEDIUM},
    {PAST, KNOWN, ANY, ANY, ANY, TOKEN, MEDIUM},
    /* Whoever has no token of its own uses somebody else's. */
    {NEVER | UNSEEN, KNOWN, ANY, ANY, ANY, TOKEN, LOW},
    {NOT_NOW | UNSEEN, LIKE, ONLY, ANY, ANY, TOKEN, LOW},
    {NOT_NOW, ONE, ANY, ANY, RETRY, TOKEN, LOW},
    {NOT_NOW, ONE, ONLY, LARGE, NOTHING, TOKEN, LOW},
    /* Others of the process are under way, and every open was left to them. */
    {PAST, ONE | NONE, ONLY, LARGE | NOT_TOLD, SAME, TOKEN, LOW},
    {UNSEEN, ONE | NONE, ONLY, ANY, SAME | RETRY, TOKEN, LOW},
    {UNSEEN, ONE, ONLY, LARGE, NOTHING | UNTOLD, TOKEN, LOW},
    {UNSEEN, NONE, ONLY, ANY, NOTHING, TOKEN, LOW},

    {NEVER, NONE | ONE | OTHER, NOT | NO_SPEC, ANY, ANY, CALL, MEDIUM},
    {ANY, ANY, ANY, ANY, ANY, CALL, LOW},
};

/* Nothing is signed: a login with a certificate looks like one with a service account's token. */
static const struct rule entra_rules[] = {
    {ANY, SMALL | SIGNED, ANY, ANY, ANY, CALL, HIGH},

    {PROCESS, KNOWN | LIKE, ANY, ANY, ANY, TOKEN, HIGH},
    {PROCESS, ONE, ONLY | ALSO, LARGE, ANY, TOKEN, HIGH},
    {PROCESS, BRIEF | ONE | NONE, ANY, ANY, ANY, TOKEN, MEDIUM},
    {PROCESS, OTHER, ANY, ANY, ANY, TOKEN, LOW},

    /* The others of the container open their tokens themselves; this one opened none. */
    {OF_CONTAINER | NOT_NOW, ANY, ANY, ANY, BESIDE, CALL, LOW},
    /* A certificate's assertion is shorter than a service account's token. */
    {OF_CONTAINER | NOT_NOW | UNSEEN, ANY, ANY, ANY, SHORTER, CALL, LOW},

    {OF_CONTAINER | OF_POD, KNOWN | LIKE, ONLY | ALSO, ANY, ANY, TOKEN, MEDIUM},
    {OF_CONTAINER | OF_POD, ONE, ONLY | ALSO, ANY, ANY, TOKEN, LOW},
    {OF_CONTAINER | OF_POD, KNOWN | LIKE, NO_SPEC, ANY, ANY, TOKEN, LOW},

    /* SDKs keep what they read: the login for the next scope opens nothing. */
    {NOT_NOW | UNSEEN, KNOWN | LIKE | BRIEF | ONE | NONE, ANY, ANY, SAME, TOKEN, MEDIUM},
    {UNSEEN, KNOWN | LIKE, ONLY, ANY, ANY, TOKEN, MEDIUM},
    {UNSEEN, ONE | NONE, ONLY, ANY, ANY, TOKEN, LOW},
    {NOT_NOW, KNOWN | LIKE | ONE, ONLY, ANY, ANY, TOKEN, LOW},

    {NEVER, NONE | ONE | OTHER, NOT | NO_SPEC, ANY, ANY, CALL, MEDIUM},
    {ANY, ANY, ANY, ANY, ANY, CALL, LOW},
};

/* One end-point's two answers and how to come to them. */
static const struct weighing {
    enum cs_mechanism token, call;
    uint16_t declared; /* the flag of `token` … */
    uint16_t rivals;   /* … and those of mechanisms whose credentials make calls like these */
    const struct rule *rules;
} sts_weighing = {CS_MECHANISM_IRSA, CS_MECHANISM_STS, CS_DECLARED_BIT(IRSA),
                  CS_DECLARED_BIT(EKS_POD_IDENTITY) | CS_DECLARED_BIT(STATIC_KEYS) |
                      CS_DECLARED_BIT(KUBE2IAM),
                  sts_rules},
  entra_weighing = {CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, CS_MECHANISM_ENTRA,
                    CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY) |
                        CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY_PROXY),
                    CS_DECLARED_BIT(STATIC_KEYS), entra_rules};

/* An open so shortly before the call that it can be what was sent. */
static bool is_recent(const struct cs_evidence *evidence)
{
    const struct cs_exchange *exchange = evidence->exchange;
    uint64_t from = exchange->start_ns;

    if (exchange->index == 0 && exchange->connection->connect_ns &&
        exchange->connection->connect_ns < from)
        from = exchange->connection->connect_ns;
    return evidence->token_open_ns <= exchange->start_ns &&
           evidence->token_open_ns + TOKEN_WINDOW_NS >= from;
}

static enum opened opened_of(const struct cs_evidence *evidence, enum cs_mechanism token)
{
    bool past = evidence->token_opened_before;

    if (evidence->token_open_ns && evidence->token_mechanism == token &&
        evidence->token_open_ns <= evidence->exchange->start_ns) {
        past = true;
        if (is_recent(evidence)) {
            if (evidence->token_match == CS_TOKEN_OF_CONTAINER)
                return OF_CONTAINER;
            if (evidence->token_match != CS_TOKEN_OF_POD)
                return evidence->token_contested ? CONTESTED : OF_PROCESS;
            if (evidence->pod_redirects)
                return OF_POD;
        }
    }
    if (past)
        return PAST;
    return evidence->no_token_hook ? UNSEEN : NEVER;
}

static enum declares declares_of(const struct cs_evidence *evidence,
                                 const struct weighing *weighing)
{
    if (!evidence->declared_known)
        return NO_SPEC;
    if (!(evidence->declared & weighing->declared))
        return NOT;
    return evidence->declared & weighing->rivals ? ALSO : ONLY;
}

static enum before before_of(const struct cs_evidence *evidence)
{
    uint64_t bytes = cs_call_size(evidence->exchange);
    uint64_t earlier = evidence->token_call_bytes;
    uint64_t apart = bytes > earlier ? bytes - earlier : earlier - bytes;
    bool same = earlier && apart <= SAME_BYTES;
    bool shorter = bytes > 0 && bytes + NEAR_BYTES < earlier;

    switch (evidence->preceded) {
    case CS_PRECEDED_NOTHING:
        return NOTHING;
    case CS_PRECEDED_TOKEN:
        if (same)
            return SAME;
        if (earlier && apart <= NEAR_BYTES)
            return NEAR;
        return shorter ? SHORTER : LONGER;
    case CS_PRECEDED_TOKEN_FAILED:
        return same ? RETRY : ELSE;
    case CS_PRECEDED_TOKEN_OTHER:
        if (same)
            return SAME;
        return shorter ? SHORTER : ELSE;
    case CS_PRECEDED_TOKEN_BESIDE:
        return same ? SAME : BESIDE;
    case CS_PRECEDED_OTHER:
    case CS_PRECEDED_CALL:
        return ELSE;
    default:
        return evidence->exchange->index > 0 ? REUSED : UNTOLD;
    }
}

/* What the table was asked with. */
struct facts {
    enum opened opened;
    enum cs_call_shape shape;
    enum declares declares;
    enum cs_answer_size answer;
    enum before before;
};

static const struct rule *rule_of(const struct rule *rules, const struct facts *facts)
{
    for (const struct rule *rule = rules;; rule++) {
        if (rule->opened & facts->opened && rule->shape & 1 << facts->shape &&
            rule->declares & facts->declares && rule->answer & 1 << facts->answer &&
            rule->before & facts->before)
            return rule;
    }
}

static uint32_t opened_reason(enum opened opened)
{
    switch (opened) {
    case OF_PROCESS:
    case CONTESTED:
        return CS_REASON_BIT(TOKEN_OPEN);
    case OF_CONTAINER:
        return CS_REASON_BIT(TOKEN_OPEN_OTHER);
    case OF_POD:
        return CS_REASON_BIT(TOKEN_OPEN_POD);
    case PAST:
        return CS_REASON_BIT(TOKEN_OPEN_PAST);
    case NEVER:
        return CS_REASON_BIT(NO_TOKEN_OPEN);
    default:
        return CS_REASON_BIT(NO_TOKEN_HOOK);
    }
}

/* Those columns that the row looked at; an open or its absence whenever the shape left it open. */
static uint32_t reasons_of(const struct rule *rule, const struct facts *facts)
{
    uint32_t reasons = CS_REASON_BIT(SNI);

    if (facts->shape != CS_SHAPE_NONE)
        reasons |= CS_REASON_BIT(RECORD_SHAPE);
    if (rule->opened != ANY || rule->shape == ANY)
        reasons |= opened_reason(facts->opened);
    if (rule->declares != ANY && facts->declares != NO_SPEC)
        reasons |= facts->declares == NOT ? CS_REASON_BIT(NOT_DECLARED) : CS_REASON_BIT(DECLARED);
    if (rule->answer != ANY)
        reasons |= CS_REASON_BIT(ANSWER_SIZE);
    if (rule->before != ANY)
        reasons |= CS_REASON_BIT(PRECEDED);
    return reasons;
}

static enum cs_call call_of(const struct cs_exchange *exchange, const struct facts *facts)
{
    uint16_t body = cs_call_body(exchange);

    if (facts->shape == CS_SHAPE_NONE)
        return CS_CALL_UNKNOWN;
    if (body > 0 && body <= IDENTITY_BODY_MAX)
        return CS_CALL_IDENTITY;
    return facts->answer == CS_ANSWER_LARGE ? CS_CALL_ASSUME_ROLE : CS_CALL_UNKNOWN;
}

static void weigh(const struct cs_evidence *evidence, const struct weighing *weighing,
                  struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;
    struct facts facts = {
        .opened = opened_of(evidence, weighing->token),
        .shape = cs_call_shape(exchange, verdict->endpoint),
        .declares = declares_of(evidence, weighing),
        .answer = cs_answer_size(exchange, verdict->endpoint),
        .before = before_of(evidence),
    };
    const struct rule *rule = rule_of(weighing->rules, &facts);

    verdict->confidence = rule->confidence;
    /* What is like a guess is none the surer. */
    if (rule->before != ANY && facts.before == SAME && evidence->token_call_guessed)
        verdict->confidence = LOW;
    verdict->reasons = reasons_of(rule, &facts);
    if (rule->verdict == TOKEN) {
        verdict->mechanism = weighing->token;
        verdict->call = CS_CALL_WEB_IDENTITY;
        verdict->delegated = facts.opened == NEVER && facts.declares & (NOT | NO_SPEC);
    } else {
        verdict->mechanism = weighing->call;
        if (verdict->endpoint == CS_ENDPOINT_STS)
            verdict->call = call_of(exchange, &facts);
    }
}

/* Only of calls that are to get credentials can it be told whether they did. */
static void infer_outcome(const struct cs_exchange *exchange, struct cs_verdict *verdict)
{
    if (verdict->call != CS_CALL_WEB_IDENTITY && verdict->mechanism != CS_MECHANISM_EKS_AUTH)
        return;
    switch (cs_answer_size(exchange, verdict->endpoint)) {
    case CS_ANSWER_LARGE:
        verdict->outcome = CS_OUTCOME_OK_INFERRED;
        break;
    case CS_ANSWER_SMALL:
        verdict->outcome = CS_OUTCOME_REJECTED_INFERRED;
        break;
    default:
        break;
    }
}

void cs_classify_tls(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;

    switch (verdict->endpoint) {
    case CS_ENDPOINT_STS:
        weigh(evidence, &sts_weighing, verdict);
        break;
    case CS_ENDPOINT_ENTRA:
        weigh(evidence, &entra_weighing, verdict);
        break;
    default:
        verdict->mechanism = CS_MECHANISM_EKS_AUTH;
        verdict->confidence = CS_CONFIDENCE_HIGH;
        verdict->reasons = CS_REASON_BIT(SNI);
        break;
    }
    if (exchange->multiplexed && verdict->confidence == CS_CONFIDENCE_HIGH)
        verdict->confidence = CS_CONFIDENCE_MEDIUM;
    infer_outcome(exchange, verdict);
    verdict->delivered =
        verdict->outcome == CS_OUTCOME_OK_INFERRED && verdict->mechanism != CS_MECHANISM_EKS_AUTH;
}
