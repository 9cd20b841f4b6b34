/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_index.h"

#include "base/util.h"
#include "core/attribute/container_table.h"
#include "core/pods/pod_workload.h"
#include "pod_index_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND CS_NSEC_PER_SEC

/* While a pod isn't known its containers have no name, whatever directories they make. */
static void names_no_pod_by_what_another_made(void **state)
{
    static const char *const PATHS[] = {
        SLICE "/cri-containerd-" ID_A ".scope/kubelet/kubepods/pod" UID_B "/" ID_C,
        SLICE "/cri-containerd-" ID_A ".scope/" ID_C,
        SLICE "/" ID_C,
    };
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_subject subject;

    (void)state;
    tell_pod(index, CS_KUBE_POD, UID_B, STATUS("app", ID_C), 1);
    for (size_t i = 0; i < CS_ARRAY_SIZE(PATHS); i++)
        if (name_path(index, PATHS[i], &subject, NULL) != -ENOENT)
            fail_msg("%s: %s", PATHS[i], subject.pod_uid);
}

/* The pod whose status told both containers' ids, by any path that leads to it. */
static void names_by_path(void **state)
{
    static const struct {
        const char *name, *path;
        bool known;
        const char *container, *image;
    } cases[] = {
        {"container", SLICE "/cri-containerd-" ID_A ".scope", true, "app", "i:1"},
        {"its sibling", SLICE "/cri-containerd-" ID_B ".scope", true, "log", "i:2"},
        {"below a container", SLICE "/cri-containerd-" ID_A ".scope/init.scope", true, "app",
         "i:1"},
        {"a container that no status named (pause)", SLICE "/cri-containerd-" ID_C ".scope", true,
         "", ""},
        {"the pod's own directory", SLICE, true, "", ""},
        {"another pod",
         "/kubepods.slice/kubepods-pod1a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice/"
         "cri-containerd-" ID_C ".scope",
         false, "", ""},
        {"a container id without a pod", "/system.slice/docker-" ID_B ".scope", true, "log", "i:2"},
        {"a cluster in that container",
         SLICE "/cri-containerd-" ID_A ".scope/kubelet/kubepods/pod" UID_B "/" ID_C, true, "app",
         "i:1"},
        {"a host's service", "/system.slice/kubelet.service", false, "", ""},
    };
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();

    (void)state;
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("app", ID_A) "," STATUS("log", ID_B), 1);
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_subject subject, before;
        struct cs_pod_facts facts;
        int r;

        cs_subject_from_path(slice_of(cases[i].path), false, &before);
        r = name_path(index, cases[i].path, &subject, &facts);
        if ((r == 0) != cases[i].known || facts.known != cases[i].known)
            fail_msg("%s: %d", cases[i].name, r);
        if (r < 0) {
            assert_memory_equal(&subject, &before, sizeof(subject));
            continue;
        }
        if (strcmp(subject.container, cases[i].container) != 0 ||
            strcmp(subject.image, cases[i].image) != 0)
            fail_msg("%s: '%s' '%s'", cases[i].name, subject.container, subject.image);
        assert_int_equal(subject.attribution, CS_ATTRIBUTION_POD);
        assert_string_equal(subject.workload.namespace, "shop");
        assert_string_equal(subject.workload.service_account, "payer");
        assert_string_equal(subject.workload.workload_kind, "Deployment");
        assert_string_equal(subject.workload.workload, "web");
        assert_string_equal(subject.pod, "web-1");
        assert_string_equal(subject.pod_uid, UID_A);
    }
}

static void follows_a_restarted_container(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_pod_index_stats stats;
    struct cs_subject subject;

    (void)state;
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("app", ID_A), 1);
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("app", ID_B), 2);
    name_path(index, SLICE "/" ID_A, &subject, NULL);
    assert_string_equal(subject.container, "app");
    name_path(index, SLICE "/" ID_B, &subject, NULL);
    assert_string_equal(subject.container, "app");
    /* A list from a cache that is a little old. */
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("app", ID_A), 3);
    tell_pod(index, CS_KUBE_POD, UID_A, "", 4);
    name_path(index, SLICE "/" ID_B, &subject, NULL);
    assert_string_equal(subject.container, "app");
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("app", ID_C), 5);
    name_path(index, SLICE "/" ID_A, &subject, NULL);
    assert_string_equal(subject.container, "app");
    name_path(index, SLICE "/" ID_B, &subject, NULL);
    assert_string_equal(subject.container, ""); /* the last but one */
    cs_pod_index_stats(index, &stats);
    assert_int_equal(stats.live, 1);
    assert_int_equal(stats.containers, 2);
}

static void names_the_only_container_before_its_status(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_subject subject;

    (void)state;
    tell(index, CS_KUBE_POD,
         POD(META(""), ",\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":\"app\"}]}"), 1);
    name_path(index, SLICE "/" ID_A, &subject, NULL);
    assert_string_equal(subject.container, "app");
    assert_string_equal(subject.container_id, ID_A);
}

#define MIRROR_OF(uid, name, more)                                                              \
    "{\"metadata\":{\"uid\":\"" uid "\",\"name\":\"" name "\",\"namespace\":"                   \
    "\"kube-system\",\"annotations\":{\"kubernetes.io/config.hash\":\"" HASH                    \
    "\",\"kubernetes.io/config.mirror\":\"" HASH "\"},\"ownerReferences\":[{\"kind\":\"Node\"," \
    "\"name\":\"n1\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\",\"hostNetwork\":true" \
    "}" more "}"
#define MIRROR(uid, more) MIRROR_OF(uid, "kube-proxy-n1", more)

static void names_static_pods_by_their_hash(void **state)
{
    static const char PATH[] = "/kubepods.slice/kubepods-pod" HASH ".slice/" ID_A;
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_subject subject;

    (void)state;
    assert_int_equal(name_path(index, PATH, &subject, NULL), -ENOENT);
    tell(index, CS_KUBE_POD, MIRROR(UID_A, ""), 1);
    /* Another may not take the name while that one lives. */
    tell(index, CS_KUBE_POD, MIRROR_OF(UID_B, "posing-n1", ""), 2);
    assert_int_equal(name_path(index, PATH, &subject, NULL), 0);
    assert_string_equal(subject.pod_uid, UID_A);
    assert_string_equal(subject.workload.workload_kind, "StaticPod");
    assert_string_equal(subject.workload.workload, "kube-proxy");
    assert_string_equal(subject.workload.service_account, CS_LABEL_NONE);
    assert_true(subject.host_network);
    tell(index, CS_KUBE_DELETED, MIRROR(UID_A, ""), 3);
    tell(index, CS_KUBE_POD, MIRROR_OF(UID_B, "posing-n1", ""), 4);
    name_path(index, PATH, &subject, NULL);
    assert_string_equal(subject.pod_uid, UID_B);
}

static bool is_live(struct cs_pod_index *index, const char *uid)
{
    struct cs_pod_view view;

    return cs_pod_index_view(index, uid, &view) && !view.deleted;
}

/* The mirror pod was made anew, and the list that says so still has the old one as its own. */
static void names_static_pods_that_a_list_replaces(void **state)
{
    static const char PATH[] = "/kubepods.slice/kubepods-pod" HASH ".slice/" ID_A;
    static const struct cs_kube_event end = {.kind = CS_KUBE_LIST_END};
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_subject subject;

    (void)state;
    tell(index, CS_KUBE_POD, MIRROR(UID_A, ""), 1);
    tell(index, CS_KUBE_LIST_BEGIN, NULL, 2);
    tell(index, CS_KUBE_POD, MIRROR(UID_B, ""), 2);
    cs_pod_index_event(index, &end, 2);
    cs_pod_index_expire(index, 3600 * SECOND);
    name_path(index, PATH, &subject, NULL);
    assert_string_equal(subject.pod_uid, UID_B);
}

static void keeps_deleted_pods_for_minutes(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_pod_index_stats stats;
    struct cs_pod_facts facts;
    struct cs_subject subject;

    (void)state;
    tell_pod(index, CS_KUBE_DELETED, UID_A, STATUS("app", ID_A), SECOND); /* all that is told */
    assert_int_equal(name_path(index, SLICE "/" ID_A, &subject, &facts), 0);
    assert_false(facts.running);
    cs_pod_index_expire(index, 601 * SECOND);
    assert_int_equal(name_path(index, SLICE "/" ID_A, &subject, NULL), 0);
    cs_pod_index_expire(index, 601 * SECOND + 1);
    assert_int_equal(name_path(index, SLICE "/" ID_A, &subject, NULL), -ENOENT);
    cs_pod_index_stats(index, &stats);
    assert_int_equal(stats.live + stats.deleted + stats.containers, 0);
    assert_int_equal(stats.named, 2);
    assert_int_equal(stats.unnamed, 1);
}

static void a_list_says_what_is_gone(void **state)
{
    static const struct {
        const char *name;
        const char *second; /* pod of the second list; NULL none */
        uint64_t skipped;
        bool ends, gone;
    } cases[] = {
        {"listed again", UID_A, 0, true, false},
        {"not listed", UID_B, 0, true, true},
        {"empty", NULL, 0, true, true},
        {"not listed, but one was skipped", NULL, 1, true, false},
        {"cut", NULL, 0, false, false},
        {"not listed, one could not be read", "no/uid", 0, true, false},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_pod_index_ struct cs_pod_index *index = new_index();
        struct cs_kube_event end = {.kind = CS_KUBE_LIST_END, .skipped = cases[i].skipped};

        tell(index, CS_KUBE_LIST_BEGIN, NULL, 1);
        tell_pod(index, CS_KUBE_POD, UID_A, "", 1);
        tell(index, CS_KUBE_LIST_END, NULL, 1);
        assert_true(is_live(index, UID_A));
        tell(index, CS_KUBE_LIST_BEGIN, NULL, 2);
        if (cases[i].second)
            tell_pod(index, CS_KUBE_POD, cases[i].second, "", 2);
        if (cases[i].ends)
            cs_pod_index_event(index, &end, 2);
        if (is_live(index, UID_A) == cases[i].gone)
            fail_msg("%s", cases[i].name);
        /* Whatever a list said, a later event says it is there. */
        tell_pod(index, CS_KUBE_POD, UID_A, "", 3);
        assert_true(is_live(index, UID_A));
    }
}

static void lists_that_leave_some_out_say_it_in_time(void **state)
{
    const struct cs_kube_event end = {.kind = CS_KUBE_LIST_END, .skipped = 1};
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();

    (void)state;
    for (uint64_t i = 1; i <= 4; i++) {
        tell(index, CS_KUBE_LIST_BEGIN, NULL, i);
        tell_pod(index, CS_KUBE_POD, i == 1 ? UID_A : UID_B, "", i);
        cs_pod_index_event(index, &end, i);
        assert_int_equal(is_live(index, UID_A), i < 4);
    }
}

static void counts_what_it_passes_over(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_pod_index_stats stats;

    (void)state;
    tell(index, CS_KUBE_POD, "{", 1);
    tell(index, CS_KUBE_POD, POD(META(""), ",\"spec\":{\"nodeName\":\"n2\"}"), 1);
    tell(index, CS_KUBE_POD, POD(META(",\"labels\":[]"), ",\"spec\":{\"nodeName\":\"n1\"}"), 1);
    cs_pod_index_stats(index, &stats);
    assert_int_equal(stats.errors[CS_POD_NOT_JSON], 1);
    assert_int_equal(stats.other_node, 1);
    assert_int_equal(stats.read, 1);
    assert_int_equal(stats.odd, 1);
    assert_int_equal(stats.live, 1);
}

static void holds_its_bounds(void **state)
{
    static const struct cs_pod_index_limits limits = {
        .live_max = 4, .deleted_max = 3, .keep_ns = 600 * SECOND};
    _cleanup_pod_index_ struct cs_pod_index *index = NULL;
    struct cs_pod_index_stats stats;
    char uid[CS_POD_UID_LEN], json[2048];

    (void)state;
    assert_int_equal(cs_pod_index_new(&limits, NULL, &index), 0);
    for (int i = 0; i < 6; i++) {
        snprintf(uid, sizeof(uid), "pod-%d", i);
        tell_pod(index, CS_KUBE_POD, uid, "", 1);
    }
    cs_pod_index_stats(index, &stats);
    assert_int_equal(stats.live, 4);
    assert_int_equal(stats.refused, 2);
    /* A finished job makes room. */
    snprintf(json, sizeof(json), POD_FORM, "pod-2", "web-1", "Succeeded", "");
    tell(index, CS_KUBE_POD, json, 2);
    tell_pod(index, CS_KUBE_POD, "pod-9", "", 2);
    assert_true(is_live(index, "pod-9"));
    assert_false(is_live(index, "pod-2"));
    /* Relist with nothing: four more deleted than may be kept, the oldest go. */
    tell(index, CS_KUBE_LIST_BEGIN, NULL, 3);
    tell(index, CS_KUBE_LIST_END, NULL, 3);
    cs_pod_index_stats(index, &stats);
    assert_int_equal(stats.live, 0);
    assert_int_equal(stats.deleted, 3);
    assert_int_equal(stats.evicted, 2);
}

struct keys {
    struct cs_pod_index *index;
    size_t count;
    char list[8][CS_CONTAINER_ID_LEN];
};

static void note_key(void *user, const char *key)
{
    struct keys *keys = user;

    assert_true(keys->count < CS_ARRAY_SIZE(keys->list));
    cs_text_copy(keys->list[keys->count++], CS_CONTAINER_ID_LEN, key, strlen(key));
}

static void announces_each_key_once(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct keys keys = {.index = index};

    (void)state;
    cs_pod_index_on_known(index, note_key, &keys);
    tell_pod(index, CS_KUBE_POD, UID_A, "", 1);
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("log", ID_B), 2);
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("log", ID_B), 3);
    tell(index, CS_KUBE_POD, MIRROR(UID_B, ""), 4);
    assert_int_equal(keys.count, 4);
    assert_string_equal(keys.list[0], UID_A);
    assert_string_equal(keys.list[1], ID_B);
    assert_string_equal(keys.list[2], UID_B);
    assert_string_equal(keys.list[3], HASH);
}

/* What is waited for is what is announced. */
static void waits_for_the_outermost_pod(void **state)
{
    static const struct {
        const char *path, *key;
    } cases[] = {
        {SLICE "/cri-containerd-" ID_A ".scope", UID_A},
        {SLICE "/cri-containerd-" ID_A ".scope/kubelet/kubepods/pod" UID_B "/" ID_C, UID_A},
        {"/kubepods.slice/kubepods-pod" HASH ".slice/" ID_A, HASH},
        {"/system.slice/docker-" ID_B ".scope", NULL},
        {"/", NULL},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_subject subject;
        char key[CS_POD_UID_LEN] = "untouched";

        cs_subject_from_path(slice_of(cases[i].path), false, &subject);
        assert_int_equal(cs_pod_index_key(&subject, key), cases[i].key != NULL);
        assert_string_equal(key, cases[i].key ? cases[i].key : "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_by_path),
        cmocka_unit_test(names_no_pod_by_what_another_made),
        cmocka_unit_test(follows_a_restarted_container),
        cmocka_unit_test(names_the_only_container_before_its_status),
        cmocka_unit_test(names_static_pods_by_their_hash),
        cmocka_unit_test(names_static_pods_that_a_list_replaces),
        cmocka_unit_test(keeps_deleted_pods_for_minutes),
        cmocka_unit_test(a_list_says_what_is_gone),
        cmocka_unit_test(lists_that_leave_some_out_say_it_in_time),
        cmocka_unit_test(counts_what_it_passes_over),
        cmocka_unit_test(holds_its_bounds),
        cmocka_unit_test(announces_each_key_once),
        cmocka_unit_test(waits_for_the_outermost_pod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
