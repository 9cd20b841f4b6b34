/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and /proc/PID/cgroup texts. Byte 0: bit 0 = the path is cut; the rest is the text. */
#include "core/attribute/cgroup_path.h"
#include "core/attribute/container_table.h"
#include "core/attribute/unit_name.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

static bool is_text(const char *text, size_t size, const char *alphabet)
{
    size_t len = strnlen(text, size);

    return len < size && strspn(text, alphabet) == len;
}

static void check_identity(const struct cs_cgroup_identity *identity, struct cs_slice path,
                           bool cut)
{
    size_t uid = strlen(identity->pod_uid);

    REQUIRE(identity->kind < CS_CGROUP_KIND_END && identity->runtime < CS_RUNTIME_END &&
            identity->qos < CS_QOS_END);
    REQUIRE(is_text(identity->pod_uid, sizeof(identity->pod_uid), "0123456789abcdef-"));
    REQUIRE(is_text(identity->container_id, sizeof(identity->container_id), "0123456789abcdef"));
    REQUIRE((identity->kind == CS_CGROUP_POD) == (uid > 0));
    REQUIRE(uid == 0 || uid == 32 || uid == 36);
    REQUIRE(identity->container_id[0] == '\0' || strlen(identity->container_id) == 64);
    REQUIRE(!(cut && identity->kind == CS_CGROUP_HOST));
    /* What is said stands in the path. */
    REQUIRE(identity->container_id[0] == '\0' ||
            memmem(path.data, path.len, identity->container_id, 64));
    REQUIRE(uid == 0 || memmem(path.data, path.len, identity->pod_uid, 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_cgroup_identity identity, again;
    struct cs_slice path, picked;
    struct cs_subject subject;
    char unit[CS_NAME_MAX], small[2];

    if (size < 1)
        return 0;
    bool cut = data[0] & 1;

    /* A copy of the exact size, so that reading past its end is seen. */
    char *text = malloc(size - 1 > 0 ? size - 1 : 1);

    REQUIRE(text);
    memcpy(text, data + 1, size - 1);
    path = (struct cs_slice){text, size - 1};
    cs_cgroup_identify(path, cut, &identity);
    check_identity(&identity, path, cut);
    cs_cgroup_identify(path, cut, &again);
    REQUIRE(memcmp(&identity, &again, sizeof(identity)) == 0);

    cs_unit_name(path, unit, sizeof(unit));
    REQUIRE(unit[0] != '\0' && strlen(unit) < sizeof(unit));
    for (const char *c = unit; *c != '\0'; c++)
        REQUIRE(*c > 0x20 && *c < 0x7f);
    cs_unit_name(path, small, sizeof(small));
    REQUIRE(small[0] == unit[0] && small[1] == '\0');

    cs_subject_from_path(path, cut, &subject);
    REQUIRE(subject.workload.namespace[0] && subject.workload.service_account[0] &&
            subject.workload.workload_kind[0] && subject.workload.workload[0]);
    if (cs_cgroup_lines_pick(path, &picked) == 0)
        REQUIRE(picked.len > 0 && picked.data[0] == '/' && picked.data >= text &&
                picked.data + picked.len <= text + size - 1);
    free(text);
    return 0;
}
