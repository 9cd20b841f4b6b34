/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the API, and says in words why there is no answer. */
#include "app/top/command_top_parts.h"

#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IN_A_CLUSTER "in a cluster: kubectl -n credscope exec -it POD -- credscope top"

static const char *advice(int error, bool is_unix)
{
    switch (error) {
    case -ENOENT:
        return "is `credscope run` running on this node? Elsewhere give --api; " IN_A_CLUSTER;
    case -EACCES:
        return "run as root; " IN_A_CLUSTER;
    case -ECONNREFUSED:
        return is_unix ? "credscope has ended and left its socket: start `credscope run`"
                       : "is `credscope run --api-listen` listening there?";
    case -ETIMEDOUT:
        return "it takes connections and gives no answer in time: is it stopped, or very busy?";
    case -EPROTO:
        return "what answers there is not credscope's API; see --api-listen of `credscope run`";
    case -EMSGSIZE:
        return "the answer is larger than top takes: ask by --namespace";
    default:
        return "see the log of `credscope run`";
    }
}

static int no_answer(const struct cs_top *top, int error, char why[CS_TOP_WHY_MAX])
{
    const char *what = error == -ENOENT      ? "there is no such socket"
                       : error == -ETIMEDOUT ? "no answer"
                       : error == -EPROTO    ? "not HTTP"
                       : error == -EMSGSIZE  ? "too large"
                                             : strerror(-error);

    /* What is wrong comes first: on a narrow terminal the rest is cut. */
    snprintf(why, CS_TOP_WHY_MAX, "%s: %s: %s", what, top->api.text,
             advice(error, top->api.address.sa.sa_family == AF_UNIX));
    return error;
}

static int check(const struct cs_top *top, const struct cs_http_answer *answer,
                 char why[CS_TOP_WHY_MAX])
{
    if (answer->error)
        return no_answer(top, answer->error, why);
    if (answer->status == 404) {
        snprintf(why, CS_TOP_WHY_MAX, "%s: it has no /api/v1/workloads: %s", top->api.text,
                 "an older credscope, or another program (its API is where --api-listen says)");
        return -EPROTO;
    }
    if (answer->status != 200) {
        snprintf(why, CS_TOP_WHY_MAX, "%s: HTTP status %u: %s", top->api.text, answer->status,
                 advice(-EIO, true));
        return -EIO;
    }
    return 0;
}

int cs_top_take(struct cs_top *top, const struct cs_http_answer *answer, char why[CS_TOP_WHY_MAX])
{
    int error = check(top, answer, why);

    if (error < 0)
        return error;
    error = cs_top_model_update(&top->model, answer->body->data ? answer->body->data : "",
                                answer->body->len, cs_monotonic_ns());
    if (error == -EBADMSG)
        snprintf(why, CS_TOP_WHY_MAX,
                 "%s: the answer is not of schema 1: is it credscope, and of this version?",
                 top->api.text);
    else if (error < 0)
        snprintf(why, CS_TOP_WHY_MAX, "%s", strerror(-error));
    return error;
}

int cs_top_ask(struct cs_top *top, const struct cs_buffer **body, char why[CS_TOP_WHY_MAX])
{
    struct cs_http_answer answer;
    int error = cs_http_client_get(top->client, top->target);

    if (error == 0)
        error = cs_http_client_wait(top->client, NULL, 0, -1);
    if (error < 0 || !cs_http_client_done(top->client, &answer))
        return no_answer(top, error < 0 ? error : -EIO, why);
    *body = answer.body;
    /* The document is checked also where it is only passed on. */
    return cs_top_take(top, &answer, why);
}
