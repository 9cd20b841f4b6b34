/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as any label: the page stays well-formed. The input's lines, in turn, are namespace,
 * service account, kind, workload, pod, pod UID and container of one exchange.
 */
#include "base/util.h"
#include "core/metrics/exposition.h"
#include "core/metrics/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *take(const uint8_t **data, size_t *size, char *to, size_t max)
{
    const uint8_t *end = memchr(*data, 0, *size);
    size_t n = end ? (size_t)(end - *data) : *size;

    cs_text_copy(to, max, (const char *)*data, n);
    *data += end ? n + 1 : n;
    *size -= end ? n + 1 : n;
    return to;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* `{name="value",…}` at `at`: what follows it. */
static const char *check_labels(const char *at)
{
    require(*at++ == '{');
    for (;;) {
        size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");

        require(name > 0);
        at += name;
        require(at[0] == '=' && at[1] == '"' && at[2] != '"');
        for (at += 2; *at != '"'; at++) {
            require((unsigned char)*at >= 0x20 && *at != 0x7f);
            if (*at == '\\') {
                at++;
                require(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
        if (*at == '}')
            return at + 1;
        require(*at++ == ',');
    }
}

static const char *check_number(const char *at)
{
    size_t n = strspn(at, "0123456789.");

    require(n > 0);
    return at + n;
}

static void check_page(const char *at)
{
    for (; *at != '\0'; at++) {
        if (*at == '#') {
            at = strchr(at, '\n');
            continue;
        }
        at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        if (*at == '{')
            at = check_labels(at);
        require(*at++ == ' ');
        at = check_number(at);
        if (strncmp(at, " # {", 4) == 0) {
            at = check_labels(at + 3);
            require(*at++ == ' ');
            at = check_number(at);
            require(*at++ == ' ');
            at = check_number(at);
        }
        require(*at == '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_connection connection = {.family = 4, .connect_ns = 1, .established_ns = 2};
    struct cs_exchange exchange = {
        .connection = &connection, .start_ns = 3, .answer_ns = 4000000, .end_ns = 4000000};
    const struct cs_verdict verdict = {.mechanism = CS_MECHANISM_IRSA, .delivered = true};
    static struct cs_recorder *recorders[2]; /* kept: making the node's series takes long */
    static struct cs_subject subject;
    struct cs_recorder **recorder = &recorders[size % 2];
    struct cs_workload *w = &subject.workload;
    struct cs_buffer page;

    if (!*recorder)
        require(
            cs_recorder_new(&(struct cs_recorder_options){.pod_labels = size % 2, .expiry_ns = 1},
                            recorder) == 0);
    take(&data, &size, w->namespace, sizeof(w->namespace));
    take(&data, &size, w->service_account, sizeof(w->service_account));
    take(&data, &size, w->workload_kind, sizeof(w->workload_kind));
    take(&data, &size, w->workload, sizeof(w->workload));
    take(&data, &size, subject.pod, sizeof(subject.pod));
    take(&data, &size, subject.pod_uid, sizeof(subject.pod_uid));
    take(&data, &size, subject.container, sizeof(subject.container));
    cs_recorder_exchange(*recorder, &exchange, &verdict, &subject, 4000000);
    for (enum cs_exposition_format format = 0; format < CS_EXPOSITION_FORMAT_END; format++) {
        cs_buffer_init(&page, CS_EXPOSITION_MAX);
        require(cs_exposition_write(cs_recorder_registry(*recorder), format, &page) == 0);
        cs_buffer_add(&page, "", 1);
        require(strstr(page.data, "\ncredscope_requests_total{") != NULL);
        check_page(page.data);
        cs_buffer_free(&page);
    }
    cs_recorder_expire(*recorder, 5000000);
    require(!cs_registry_first(cs_recorder_registry(*recorder), CS_METRIC_REQUESTS));
    return 0;
}
