// SPDX-License-Identifier: Apache-2.0
#include "core/classify/classify_path.h"

#include "base/util.h"
#include "core/classify/classify.h"
#include "core/http_line.h"

#include <string.h>
#include <strings.h>

#define SEGMENTS_MAX 7

/* Segments of a path: "*" matches any one; with fold set, letter case does not matter. The first
 * row that matches counts. Sources: the AWS SDKs' IMDS clients and amazon-ec2 user guide ({version}
 * may be any), kube2iam server/server.go, aad-pod-identity pkg/nmi/server/server.go (whose router
 * ignores the case of "metadata"), MSAL's managed identity sources for MSI v2. */
static const struct {
    const char *segments[SEGMENTS_MAX];
    bool fold;
    enum cs_path_kind kind;
} shapes[] = {
    {{NULL}, false, CS_PATH_ROOT},
    {{"v1", "credentials"}, false, CS_PATH_AGENT},
    {{"*", "api", "token"}, false, CS_PATH_AWS_TOKEN},
    {{"*", "meta-data", "iam", "security-credentials"}, false, CS_PATH_AWS_ROLE_NAME},
    {{"*", "meta-data", "iam", "security-credentials", "*"}, false, CS_PATH_AWS_ROLE},
    {{"*", "meta-data", "iam", "security-credentials-extended"}, false, CS_PATH_AWS_EXTENDED_NAME},
    {{"*", "meta-data", "iam", "security-credentials-extended", "*"}, false, CS_PATH_AWS_EXTENDED},
    {{"*", "meta-data", "identity-credentials", "ec2", "security-credentials", "ec2-instance"},
     false,
     CS_PATH_AWS_INSTANCE},
    {{"metadata", "identity", "oauth2", "token"}, true, CS_PATH_AZURE_TOKEN},
    {{"metadata", "identity", "getplatformmetadata"}, true, CS_PATH_AZURE_PLATFORM},
    {{"metadata", "identity", "issuecredential"}, true, CS_PATH_AZURE_ISSUE},
};

/* Split at slashes, empty segments left out; returns their number, or SEGMENTS_MAX + 1 when there
 * are more. *clean: nothing was left out, and no slash stands at the end. */
static size_t split(struct cs_slice path, struct cs_slice segments[SEGMENTS_MAX], bool *clean)
{
    size_t count = 0, start = 0;

    *clean = path.len > 0 && path.data[0] == '/';
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.data[i] != '/')
            continue;
        if (i > start) {
            if (count == SEGMENTS_MAX)
                return SEGMENTS_MAX + 1;
            segments[count++] = (struct cs_slice){path.data + start, i - start};
        } else if (i > 0) {
            *clean = false;
        }
        start = i + 1;
    }
    return count;
}

static bool segment_is(struct cs_slice segment, const char *want, bool fold)
{
    if (strcmp(want, "*") == 0)
        return true;
    if (segment.len != strlen(want))
        return false;
    return fold ? strncasecmp(segment.data, want, segment.len) == 0
                : memcmp(segment.data, want, segment.len) == 0;
}

static bool shape_is(size_t shape, const struct cs_slice *segments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *want = shapes[shape].segments[i];

        if (!want || !segment_is(segments[i], want, shapes[shape].fold))
            return false;
    }
    return count == SEGMENTS_MAX || !shapes[shape].segments[count];
}

enum cs_path_kind cs_path_classify(const char *target)
{
    struct cs_slice segments[SEGMENTS_MAX];
    struct cs_slice path = cs_http_target_path(target);
    size_t count;
    bool clean;

    if (path.len == 0)
        return CS_PATH_OTHER;
    count = split(path, segments, &clean);
    if (count > SEGMENTS_MAX)
        return CS_PATH_OTHER;
    for (size_t i = 0; i < CS_ARRAY_SIZE(shapes); i++) {
        if (!shape_is(i, segments, count))
            continue;
        if (shapes[i].kind == CS_PATH_AGENT && !clean)
            return path.data[path.len - 1] == '/' ? CS_PATH_OTHER : CS_PATH_AGENT_UNCLEAN;
        return shapes[i].kind;
    }
    return CS_PATH_OTHER;
}

bool cs_exchange_identity(const struct cs_exchange *exchange, char *to, size_t size)
{
    static const char *const keys[] = {"client_id", "object_id", "principal_id", "msi_res_id",
                                       "mi_res_id"};
    struct cs_slice segments[SEGMENTS_MAX];
    struct cs_slice value = {NULL, 0};
    bool clean;

    to[0] = '\0';
    switch (cs_path_classify(exchange->path)) {
    case CS_PATH_AWS_ROLE:
    case CS_PATH_AWS_EXTENDED:
        value = segments[split(cs_http_target_path(exchange->path), segments, &clean) - 1];
        break;
    case CS_PATH_AZURE_TOKEN:
    case CS_PATH_AZURE_ISSUE:
        for (size_t i = 0; i < CS_ARRAY_SIZE(keys) && value.len == 0; i++)
            value = cs_http_target_query(exchange->path, keys[i]);
        break;
    default:
        break;
    }
    /* The end of a line that was cut may be half a name. */
    if (value.len == 0 ||
        ((exchange->request_flags & CS_REQUEST_LINE_CUT) && value.data[value.len] == '\0'))
        return false;
    if (value.len >= size)
        return false;
    return cs_text_copy(to, size, value.data, value.len);
}

bool cs_exchange_is_put(const struct cs_exchange *exchange)
{
    return strcmp(exchange->method, "PUT") == 0 &&
           cs_path_classify(exchange->path) == CS_PATH_AWS_TOKEN;
}

bool cs_exchange_is_unanswered_put(const struct cs_exchange *exchange)
{
    return exchange->status == 0 && exchange->observed && !exchange->connect_failed &&
           !exchange->connection->intercept_place && cs_exchange_is_put(exchange);
}

enum cs_result cs_exchange_endpoint_result(const struct cs_exchange *exchange,
                                           enum cs_outcome outcome)
{
    return cs_exchange_is_unanswered_put(exchange) ? CS_RESULT_NEITHER
                                                   : cs_outcome_endpoint_result(outcome);
}
