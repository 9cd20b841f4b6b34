// SPDX-License-Identifier: Apache-2.0
#include "compare.h"
#include "generate.h"

#include <string.h>

#define S PF_SECRET "x2m9"

#define ROOM (PF_STREAM_MAX / 2) /* no request begins behind it, so that none is cut off */

static const char *const methods[] = {"GET",  "GET",  "GET",     "PUT",
                                      "HEAD", "POST", "OPTIONS", "DELETE"};
static const char *const paths[] = {
    "/v1/credentials",
    "/latest/api/token",
    "/latest/meta-data/iam/security-credentials/",
    "/latest/meta-data/iam/security-credentials/node-role",
    "/metadata/identity/oauth2/token",
    "/",
    "*",
    "http://169.254.169.254/latest/meta-data/",
    "http://user:" S "@169.254.169.254/metadata/identity/oauth2/token",
    "http://169.254.169.254:80",
    "http://u:p%3f" S "@[fd00:ec2::254]:80/latest/",
    "http://u:" S "/x",
    "http://h%3Ft=" S "/x",
    "/latest/role%2Bname%40x",
    "/x;token=" S "/y",
    "/x&token=" S,
    "/x%3Ftoken=" S,
    "/x%3ftoken=" S,
    "/x%253Ftoken=" S,
    "/x%3B" S "/y",
    "/x%C0%BF" S,
    "/x%" S,
    "/x%4",
    "/x#" S "/y",
};
static const char *const queries[] = {
    "api-version=2018-02-01",
    "resource=https%3A%2F%2Fvault.azure.net",
    "client_id=0a-1b",
    "token=" S,
    "Signature=" S "%2F",
    "resourc=" S,
    "resource%20=" S,
    S,
    "x=",
    "Resource=" S,
    "client_id",
    "msi_res_id=/subscriptions/1",
    "",
    S "==",
    "resource=a%2Fb%3F" S,
    "resource=a?" S,
    "mi_res_id=%2",
    "principal_id=1#" S,
    "#" S "&resource=" S,
    "resource=1&resource" S "=2",
    "object_id=%7e",
};
static const char *const fields[] = {
    "Host: 169.254.170.23\r\n",
    "Accept: */*\r\n",
    "Authorization: " S "\r\n",
    "aUTHORIZATION:" S "\r\n",
    "X-aws-ec2-metadata-token: " S "==\r\n",
    "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n",
    "Metadata: true\r\n",
    "Cookie: a=" S "; b=" S "\r\n",
    "X-User-Agent: " S "\r\n",
    "User-Agentx: " S "\r\n",
    "Proxy-Authorization: Basic " S "\r\n",
    "Empty:\r\n",
    "Expect: 100-continue\r\n",
    "Connection: keep-alive\r\n",
};
static const char *const answer_fields[] = {
    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
    "Content-Type: application/json\r\n",
    "Set-Cookie: " S "=" S "\r\n",
    "X-Server: " S "\r\n",
    "Serverx: " S "\r\n",
    "Connection: close\r\n",
    "ETag: \"" S "\"\r\n",
};
static const char *const agents[] = {
    "curl/8.5.0",
    "Boto3/1.34 md/Botocore#1.34 ua/2.0 os/linux#6.1",
    "aws-sdk-go-v2/1.30.3 os/linux",
    "",
    "x",
    "azsdk-net-Identity/1.11  (two  spaces)",
};
static const char *const servers[] = {"EC2ws", "IMDS/150.870.65.1103", "", "x",
                                      "azure-workload-identity/proxy/v1.3.0 (linux/amd64) abc/1"};
static const uint16_t statuses[] = {200, 200, 200, 200, 404, 429, 403, 500, 301, 204, 304, 999};
/* Bodies that a careless reader takes for heads. */
static const char *const bodies[] = {
    "{\"AccessKeyId\":\"" S "\",\"Token\":\"" S "\"}",
    "GET /" S " HTTP/1.1\r\nUser-Agent: " S "\r\n\r\n",
    "HTTP/1.1 200 OK\r\nServer: " S "\r\n\r\n",
    "\r\nServer: " S "\r\nUser-Agent: " S "\r\n\r\n",
    S,
    "0\r\n\r\n",
};

static void add_body_bytes(struct pf_stream *s, struct pf_random *r, uint32_t len)
{
    while (len) {
        const char *text = PF_PICK(r, bodies);
        uint32_t n = (uint32_t)strlen(text);

        n = n < len ? n : len;
        pf_append(s, text, n);
        len -= n;
    }
}

static uint32_t body_size(struct pf_random *r)
{
    uint32_t kind = pf_below(r, 20);

    return kind < 4 ? 0 : kind < 17 ? pf_between(r, 1, 400) : pf_between(r, 1, 6000);
}

static void add_chunked(struct pf_stream *s, struct pf_random *r, uint32_t len)
{
    while (len) {
        uint32_t n = pf_between(r, 1, len);

        pf_append_text(s, pf_percent(r, 50) ? "%x" : "%04X", n);
        pf_append_text(s, pf_percent(r, 20) ? ";name=\"" S "\"\r\n" : "\r\n");
        add_body_bytes(s, r, n);
        pf_append_text(s, "\r\n");
        len -= n;
    }
    pf_append_text(s, pf_percent(r, 20) ? "000;" S "\r\n" : "0\r\n");
    while (pf_percent(r, 25))
        pf_append_text(s, "Trailer: " S "\r\nUser-Agent: " S "\r\n");
    pf_append_text(s, "\r\n");
}

static void add_target(struct pf_stream *s, struct pf_random *r)
{
    pf_append_text(s, "%s", PF_PICK(r, paths));
    if (pf_percent(r, 3))
        for (uint32_t n = pf_between(r, 200, 600); n; n--)
            pf_append_text(s, "p");
    if (pf_percent(r, 45))
        return;
    pf_append_text(s, "?");
    for (uint32_t n = pf_below(r, 6); n; n--)
        pf_append_text(s, "%s%s", PF_PICK(r, queries),
                       n > 1 ? (pf_percent(r, 85) ? "&" : ";") : "");
}

static void add_text_field(struct pf_stream *s, struct pf_random *r, const char *name,
                           const char *value)
{
    pf_append_text(s, "%s:%s%s", name,
                   pf_percent(r, 80)   ? " "
                   : pf_percent(r, 50) ? ""
                                       : " \t ",
                   value);
    if (*value && pf_percent(r, 8))
        for (uint32_t n = pf_between(r, 20, 300); n; n--)
            pf_append_text(s, "%c", 'a' + n % 26);
    pf_append_text(s, "%s\r\n", pf_percent(r, 10) ? " " : "");
    if (pf_percent(r, 2))
        pf_append_text(s, " Authorization: " S "\r\n");
}

static void add_fields(struct pf_stream *s, struct pf_random *r, const char *const *from,
                       uint32_t n, uint32_t max, const char *name, const char *value)
{
    uint32_t count = pf_below(r, max), agent = pf_below(r, count + 1);

    for (uint32_t i = 0; i <= count; i++) {
        if (i == agent && pf_percent(r, 85))
            add_text_field(s, r, name, value);
        else
            pf_append_text(s, "%s", from[pf_below(r, n)]);
    }
    if (pf_percent(r, 2)) {
        pf_append_text(s, "X-Long: ");
        for (uint32_t k = pf_between(r, 100, 2000); k; k--)
            pf_append_text(s, S);
        pf_append_text(s, "\r\n");
    }
}

static void add_coding(struct pf_stream *s, struct pf_random *r)
{
    static const char *const forms[] = {"Transfer-Encoding: chunked\r\n",
                                        "transfer-encoding:chunked\r\n",
                                        "TRANSFER-ENCODING: gzip, Chunked\r\n"};

    pf_append_text(s, "%s", PF_PICK(r, forms));
}

static void add_request(struct pf_case *c, struct pf_random *r, const char *method)
{
    struct pf_stream *s = &c->egress;
    bool body = !strcmp(method, "PUT") || !strcmp(method, "POST") || pf_percent(r, 10);
    bool chunked = body && pf_percent(r, 40);
    uint32_t len = body ? body_size(r) : 0;
    static const char *const lengths[] = {"Content-Length: %u\r\n", "content-length:%u \r\n"};

    pf_append_text(s, "%s ", method);
    add_target(s, r);
    pf_append_text(s, pf_percent(r, 95) ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    if (body && !chunked && pf_percent(r, 50)) {
        pf_append_text(s, pf_percent(r, 50) ? lengths[0] : lengths[1], len);
        body = false;
    }
    add_fields(s, r, fields, sizeof(fields) / sizeof(fields[0]), 7, "User-Agent",
               PF_PICK(r, agents));
    if (chunked)
        add_coding(s, r);
    else if (body)
        pf_append_text(s, lengths[0], len);
    pf_append_text(s, "\r\n");
    if (chunked)
        add_chunked(s, r, len);
    else
        add_body_bytes(s, r, len);
}

/* True: the body lasts to the end of the connection. */
static bool add_response(struct pf_case *c, struct pf_random *r, bool to_head, bool last)
{
    struct pf_stream *s = &c->ingress;
    uint16_t status = PF_PICK(r, statuses);
    bool bare = to_head || status == 204 || status == 304;
    uint32_t len = body_size(r), kind = pf_below(r, last ? 10 : 9);

    while (pf_percent(r, 5))
        pf_append_text(s, "HTTP/1.1 10%c Interim\r\nLink: " S "\r\n\r\n",
                       pf_percent(r, 50) ? '0' : '3');
    pf_append_text(s, "HTTP/1.%c %u%s\r\n", pf_percent(r, 95) ? '1' : '0', status,
                   pf_percent(r, 90)   ? " Some Reason " S
                   : pf_percent(r, 50) ? " "
                                       : "");
    if (kind < 6)
        pf_append_text(s, "Content-Length: %u\r\n", len);
    add_fields(s, r, answer_fields, sizeof(answer_fields) / sizeof(answer_fields[0]), 5, "Server",
               PF_PICK(r, servers));
    if (kind >= 6 && kind < 9)
        add_coding(s, r);
    pf_append_text(s, "\r\n");
    if (bare)
        return false;
    if (kind >= 6 && kind < 9)
        add_chunked(s, r, len);
    else
        add_body_bytes(s, r, len);
    return kind == 9;
}

static void end_turn(const struct pf_case *c, struct pf_turns *turns)
{
    if (turns->count == PF_TURNS_MAX)
        return;
    turns->at[turns->count].egress = c->egress.len;
    turns->at[turns->count++].ingress = c->ingress.len;
}

void pf_generate_http(struct pf_case *c, struct pf_random *r, struct pf_turns *turns)
{
    uint32_t groups = pf_between(r, 1, 4);

    for (uint32_t g = 0; g < groups && c->egress.len < ROOM; g++) {
        uint32_t pipelined = pf_percent(r, 75)   ? 1
                             : pf_percent(r, 97) ? pf_between(r, 2, 6)
                                                 : pf_between(r, 50, 80);
        bool to_head[80];

        for (uint32_t i = 0; i < pipelined; i++) {
            const char *method = PF_PICK(r, methods);

            to_head[i] = !strcmp(method, "HEAD");
            add_request(c, r, method);
            if (c->egress.len > ROOM)
                pipelined = i + 1;
        }
        end_turn(c, turns);
        if (g + 1 == groups && pf_percent(r, 10))
            return; /* the last ones stay without an answer */
        for (uint32_t i = 0; i < pipelined; i++)
            if (add_response(c, r, to_head[i], g + 1 == groups && i + 1 == pipelined))
                break;
        end_turn(c, turns);
    }
}
