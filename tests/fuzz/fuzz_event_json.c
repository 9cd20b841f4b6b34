// SPDX-License-Identifier: Apache-2.0
/* Any bytes in an exchange's and a subject's texts: the line is JSON that another library reads,
 * has no line feed, and the texts are valid UTF-8 in it. First byte: the buffer's size class. */
#include "core/report/event_json.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

/* The next text of the input: up to a NUL, or its end. */
static void take(const uint8_t **data, size_t *size, char *to, size_t max)
{
    size_t len = strnlen((const char *)*data, *size < max - 1 ? *size : max - 1);

    memcpy(to, *data, len);
    to[len] = '\0';
    if (len < *size)
        len++;
    *data += len;
    *size -= len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cs_event_context context = {.node = "n", .run_id = "r"};
    struct cs_connection connection = {.family = 4};
    struct cs_exchange exchange = {.connection = &connection, .status = 200};
    struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA};
    struct cs_subject subject = {0};
    char line[CS_EVENT_JSON_MAX];
    const char *end;
    size_t room;
    cJSON *json;
    int len;

    if (size < 1)
        return 0;
    room = data[0] & 1 ? sizeof(line) : (size_t)data[0] * 16 + 1;
    data++;
    size--;
    take(&data, &size, exchange.path, sizeof(exchange.path));
    take(&data, &size, exchange.user_agent, sizeof(exchange.user_agent));
    take(&data, &size, exchange.server, sizeof(exchange.server));
    take(&data, &size, connection.comm, sizeof(connection.comm));
    take(&data, &size, connection.server_name, sizeof(connection.server_name));
    take(&data, &size, subject.cgroup, sizeof(subject.cgroup));
    take(&data, &size, subject.image, sizeof(subject.image));
    len = cs_event_json_exchange(line, room, &context, &exchange, &verdict, &subject, NULL);
    require((size_t)(len < 0 ? 0 : len) == strnlen(line, room));
    if (len < 0) {
        require(room < sizeof(line));
        return 0;
    }
    require(!strpbrk(line, "\n\r"));
    json = cJSON_ParseWithOpts(line, &end, 1);
    require(json && cJSON_GetObjectItem(json, "mechanism"));
    require(!exchange.path[0] == !cJSON_GetObjectItem(json, "path"));
    cJSON_Delete(json);
    return 0;
}
