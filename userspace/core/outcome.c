// SPDX-License-Identifier: Apache-2.0
#include "core/mechanism.h"

#include "base/util.h"

#include <assert.h>

#define SUCCESS CS_RESULT_SUCCESS
#define FAILURE CS_RESULT_FAILURE
#define NEITHER CS_RESULT_NEITHER

static const struct {
    const char *name;
    enum cs_result result;
    enum cs_result endpoint; /* any answer but "not now" and "I failed" shows that it works */
} outcomes[] = {
    [CS_OUTCOME_OK] = {"ok", SUCCESS, SUCCESS},
    [CS_OUTCOME_REDIRECTED] = {"redirected", NEITHER, SUCCESS},
    [CS_OUTCOME_DENIED] = {"denied", FAILURE, SUCCESS},
    [CS_OUTCOME_NOT_FOUND] = {"not_found", FAILURE, SUCCESS},
    [CS_OUTCOME_THROTTLED] = {"throttled", FAILURE, FAILURE},
    [CS_OUTCOME_CLIENT_ERROR] = {"client_error", FAILURE, SUCCESS},
    [CS_OUTCOME_SERVER_ERROR] = {"server_error", FAILURE, FAILURE},
    [CS_OUTCOME_REFUSED] = {"refused", FAILURE, FAILURE},
    [CS_OUTCOME_UNREACHABLE] = {"unreachable", FAILURE, FAILURE},
    [CS_OUTCOME_RESET] = {"reset", FAILURE, FAILURE},
    [CS_OUTCOME_NO_RESPONSE] = {"no_response", FAILURE, FAILURE},
    [CS_OUTCOME_ABANDONED] = {"abandoned", FAILURE, FAILURE},
    [CS_OUTCOME_TLS_FAILED] = {"tls_failed", FAILURE, FAILURE},
    [CS_OUTCOME_OK_INFERRED] = {"ok_inferred", SUCCESS, SUCCESS},
    [CS_OUTCOME_REJECTED_INFERRED] = {"rejected_inferred", FAILURE, SUCCESS},
    [CS_OUTCOME_ANSWERED] = {"answered", NEITHER, SUCCESS},
    [CS_OUTCOME_UNOBSERVED] = {"~unknown", NEITHER, NEITHER},
};
static_assert(CS_ARRAY_SIZE(outcomes) == CS_OUTCOME_END, "a row for every outcome");

const char *cs_outcome_name(enum cs_outcome outcome)
{
    return outcomes[outcome].name;
}

enum cs_result cs_outcome_result(enum cs_outcome outcome)
{
    return outcomes[outcome].result;
}

enum cs_result cs_request_result(enum cs_mechanism mechanism, enum cs_outcome outcome)
{
    if (mechanism == CS_MECHANISM_METADATA &&
        (outcome == CS_OUTCOME_NOT_FOUND || outcome == CS_OUTCOME_CLIENT_ERROR))
        return CS_RESULT_NEITHER;
    return cs_outcome_result(outcome);
}

enum cs_result cs_outcome_endpoint_result(enum cs_outcome outcome)
{
    return outcomes[outcome].endpoint;
}

enum cs_outcome cs_outcome_from_status(uint16_t status)
{
    switch (status) {
    case 401:
    case 403:
        return CS_OUTCOME_DENIED;
    case 404:
        return CS_OUTCOME_NOT_FOUND;
    case 429:
        return CS_OUTCOME_THROTTLED;
    default:
        break;
    }
    /* 101, the only 1xx that is final, changes the protocol: what follows can't be told. A status
     * above 599 is treated as 5xx (RFC 9110 15). */
    if (status < 200)
        return CS_OUTCOME_ANSWERED;
    if (status < 300)
        return CS_OUTCOME_OK;
    if (status < 400)
        return CS_OUTCOME_REDIRECTED;
    return status < 500 ? CS_OUTCOME_CLIENT_ERROR : CS_OUTCOME_SERVER_ERROR;
}
