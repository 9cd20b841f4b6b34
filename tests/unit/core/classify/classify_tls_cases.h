/* SPDX-License-Identifier: Apache-2.0 */
/* A case of an encrypted call: what is known of it and the verdict, and how cases are tried. */
#ifndef CS_TESTS_CLASSIFY_TLS_CASES_H
#define CS_TESTS_CLASSIFY_TLS_CASES_H

#include "classify_cases.h"

#include "core/pods/declared.h"

#define IRSA   CS_DECLARED_BIT(IRSA)
#define EKS    CS_DECLARED_BIT(EKS_POD_IDENTITY)
#define KEYS   CS_DECLARED_BIT(STATIC_KEYS)
#define AZURE  CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY)
#define NO     0x4000 /* the spec is known and has none */
#define NO_POD 0      /* the spec isn't known */

#define EARLIER    1724 /* bytes of the container's token exchange before */
#define EARLIER_H2 1343 /* … in HTTP/2, of the record that held the token */

struct tls_case {
    const char *name;
    uint16_t request[4];
    uint32_t answer; /* bytes; 0: none */
    /* 'p' opened 40 ms before by the process, 'q' the same with other calls under way, 'c' by
     * another of the container, 'o' by another container, 'm' the same in a mesh; 't' too long ago;
     * 'x' another cloud's; '-' never; 'u' opens can't be seen */
    char opened;
    uint16_t declared;
    /* '0' nothing so far, 't' a token exchange by this process, 'f' one that failed, 'o' one by
     * another process, 'b' by one that opens its own, 'g' one by this process that was guessed,
     * 'c' other credentials, 'u' a call that isn't over, '?' not known, 'r' not known and a reused
     * connection */
    char preceded;
    const char *verdict;
};

static inline void put_opened(struct cs_evidence *evidence, char opened, enum cs_mechanism token)
{
    bool aws = token == CS_MECHANISM_IRSA;

    evidence->no_token_hook = opened == 'u';
    evidence->pod_redirects = opened == 'm';
    evidence->token_contested = opened == 'q';
    if (!strchr("pqcomtx", opened))
        return;
    evidence->token_mechanism = token;
    if (opened == 'x')
        evidence->token_mechanism = aws ? CS_MECHANISM_AZURE_WORKLOAD_IDENTITY : CS_MECHANISM_IRSA;
    evidence->token_open_ns = START - (opened == 't' ? 60 * SEC : SEC / 25);
    evidence->token_match = opened == 'p'                    ? CS_TOKEN_OF_PROCESS
                            : opened == 'c'                  ? CS_TOKEN_OF_CONTAINER
                            : opened == 'o' || opened == 'm' ? CS_TOKEN_OF_POD
                                                             : CS_TOKEN_NONE;
}

static inline enum cs_preceded preceded(char letter)
{
    switch (letter) {
    case 'b':
        return CS_PRECEDED_TOKEN_BESIDE;
    case '0':
        return CS_PRECEDED_NOTHING;
    case 't':
    case 'g':
        return CS_PRECEDED_TOKEN;
    case 'f':
        return CS_PRECEDED_TOKEN_FAILED;
    case 'o':
        return CS_PRECEDED_TOKEN_OTHER;
    case 'c':
        return CS_PRECEDED_OTHER;
    case 'u':
        return CS_PRECEDED_CALL;
    default:
        return CS_PRECEDED_UNKNOWN;
    }
}

static inline void classify_case(const struct tls_case *row, const char *host, bool h2,
                                 struct cs_verdict *verdict)
{
    enum cs_mechanism token =
        strcmp(host, ENTRA) == 0 ? CS_MECHANISM_AZURE_WORKLOAD_IDENTITY : CS_MECHANISM_IRSA;
    struct cs_connection connection = {
        .kind = CS_WATCH_TLS, .dport = 443, .connect_ns = START - SEC / 100};
    struct cs_exchange exchange = {.connection = &connection,
                                   .index = row->preceded == 'r' || (h2 && row->preceded == 't'),
                                   .start_ns = START,
                                   .multiplexed = h2,
                                   .outcome = row->answer       ? CS_OUTCOME_ANSWERED
                                              : row->request[0] ? CS_OUTCOME_NO_RESPONSE
                                                                : CS_OUTCOME_TLS_FAILED,
                                   .observed = true};
    struct cs_evidence evidence = {.exchange = &exchange,
                                   .watchlist = watchlist(),
                                   .declared_known = row->declared != NO_POD,
                                   .declared = row->declared & ~NO,
                                   .preceded = preceded(row->preceded),
                                   .token_call_guessed = row->preceded == 'g',
                                   .token_call_bytes = h2 ? EARLIER_H2 : EARLIER};

    strcpy(connection.server_name, host);
    fill_burst(&exchange.request_records, row->request);
    exchange.response_records = (struct cs_burst){.count = 2, .bytes = row->answer};
    put_opened(&evidence, row->opened, token);
    cs_classify(&evidence, verdict);
}

static inline size_t check(const struct tls_case *cases, size_t count, const char *host, bool h2)
{
    size_t failed = 0;

    for (size_t i = 0; i < count; i++) {
        struct cs_verdict verdict;
        char got[80];

        classify_case(&cases[i], host, h2, &verdict);
        describe(&verdict, got, sizeof(got));
        if (strcmp(got, cases[i].verdict) == 0)
            continue;
        print_error("%s: want %s, got %s\n", cases[i].name, cases[i].verdict, got);
        failed++;
    }
    return failed;
}

#endif
