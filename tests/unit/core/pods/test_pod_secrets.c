/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a pod's env values nothing stays in this process' memory: all of it that is writable is
 * searched, freed memory included. The same search finds a value that may be kept.
 */
#include "core/pods/pod_index.h"

#include "base/cleanup.h"
#include "pod_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#define MARK_LEN  24
#define JSON_SIZE 65536

/* The marks are kept turned over, so that the search doesn't find this table. */
static const char SECRET[] = "Z[NT^P3*~}|{zyxwvutsrqpo";
static const char KEPT[] = "fuyn3*~}|{zyxwvutsrqponm";

static void turn(const char *from, char *to)
{
    for (size_t i = 0; i < MARK_LEN; i++)
        to[i] = (char)(from[i] ^ 0x1f);
}

/* Where in memory the turned-over mark stands, outside [from, to). */
static size_t search(const char *mark, const char *from, const char *to)
{
    _cleanup_fclose_ FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t found = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long start, end;
        char rights[8];

        if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 || rights[0] != 'r' ||
            rights[1] != 'w' || strstr(line, "[v"))
            continue;
        for (const char *at = (const char *)start; at + MARK_LEN <= (const char *)end; at++) {
            size_t n = 0;

            if (at == from) {
                at = to - 1;
                continue;
            }
            while (n < MARK_LEN && (char)(at[n] ^ 0x1f) == mark[n])
                n++;
            found += n == MARK_LEN;
        }
    }
    return found;
}

/* The source's memory: where the text of a pod is written, and nowhere else. */
static size_t write_pod(char *json, const char *form)
{
    size_t len = 0;

    for (; *form != '\0'; form++) {
        if (*form == '!')
            turn(SECRET, json + len);
        else if (*form == '@')
            turn(KEPT, json + len);
        else
            json[len] = *form;
        len += *form == '!' || *form == '@' ? MARK_LEN : 1;
    }
    return len;
}

/* '!' is the secret, '@' the value that may be kept. */
static const struct {
    const char *name, *form;
    size_t kept;
    enum cs_pod_error error;
} cases[] = {
    {"env values",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"@\",\"namespace\":\"b\",\"annotations\":{"
     "\"last-applied\":\"!\",\"!\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"a\",\"args\":["
     "\"!\"],\"env\":[{\"name\":\"PASSWORD\",\"value\":\"!\"},{\"name\":\"AWS_SECRET_ACCESS_KEY\","
     "\"value\":\"!\"},{\"name\":\"!\",\"value\":\"x\"},{\"name\":\"AWS_ROLE_ARN\",\"value\":\"!\"}"
     ",{\"name\":\"AZURE_CLIENT_ID\",\"value\":\"!\"},{\"name\":"
     "\"AWS_CONTAINER_CREDENTIALS_FULL_URI\",\"value\":\"http://x:!@169.254.170.23/\"}]}]}}",
     1, CS_POD_OK},
    {"a pod that is refused", "{\"metadata\":{\"name\":\"@\"},\"x\":\"!\"}", 0, CS_POD_NO_NAME},
    {"a text that is cut", "{\"metadata\":{\"x\":\"!\",\"y\":[\"!\",\"!", 0, CS_POD_NOT_JSON},
};

static void keeps_no_secret(void **state)
{
    char *json = mmap(NULL, JSON_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    print_message("SKIPPED keeps_no_secret: the sanitizer's own mappings can't be searched\n");
    skip();
#endif
    assert_true(json != MAP_FAILED);
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_pod_index_ struct cs_pod_index *index = NULL;
        struct cs_kube_event event = {.kind = CS_KUBE_POD, .pod.data = json};
        struct cs_pod_index_stats stats;

        assert_int_equal(cs_pod_index_new(&cs_pod_index_limits_default, NULL, &index), 0);
        event.pod.len = write_pod(json, cases[i].form);
        /* The search sees it where it is. */
        assert_true(search(SECRET, NULL, NULL) > 0);
        cs_pod_index_event(index, &event, 1);
        cs_pod_index_stats(index, &stats);
        assert_int_equal(stats.read, cases[i].error == CS_POD_OK);
        assert_int_equal(stats.errors[cases[i].error], cases[i].error != CS_POD_OK);
        if (search(SECRET, json, json + JSON_SIZE) != 0)
            fail_msg("%s: a secret stayed", cases[i].name);
        if (cases[i].kept && search(KEPT, json, json + JSON_SIZE) == 0)
            fail_msg("%s: the search finds nothing", cases[i].name);
    }
    munmap(json, JSON_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_no_secret)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
