// SPDX-License-Identifier: Apache-2.0
/* What the pod's spec says of the container that a path names. */
#include "pod_index_support.h"

static void says_what_the_container_declares(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_subject subject;
    struct cs_pod_facts facts;

    (void)state;
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("log", ID_B), 1);
    name_path(index, SLICE "/" ID_B, &subject, &facts);
    assert_true(facts.of_container && facts.running);
    assert_int_equal(facts.declared, 0);
    name_path(index, SLICE "/" ID_A, &subject, &facts);
    assert_false(facts.of_container);
    assert_int_equal(facts.declared, CS_DECLARED_BIT(IRSA));
}

/* A gateway's proxy is alone, whatever prepared the pod; a sidecar of the native kind is not. */
static void counts_no_init_step_as_company(void **state)
{
    _cleanup_pod_index_ struct cs_pod_index *index = new_index();
    struct cs_subject subject;
    struct cs_pod_facts facts;

    (void)state;
    tell(index, CS_KUBE_POD,
         POD(META(""),
             ",\"spec\":{\"nodeName\":\"n1\",\"initContainers\":[{\"name\":\"init\"}],"
             "\"containers\":[{\"name\":\"proxy\"}],\"ephemeralContainers\":[{\"name\":"
             "\"debug\"}]},\"status\":{\"phase\":\"Running\",\"containerStatuses\":[" STATUS(
                 "proxy", ID_A) "],\"initContainerStatuses\":[" STATUS("init", ID_B) "]}"),
         1);
    name_path(index, SLICE "/" ID_A, &subject, &facts);
    assert_string_equal(subject.container, "proxy");
    assert_true(facts.alone);
    name_path(index, SLICE "/" ID_B, &subject, &facts);
    assert_string_equal(subject.container, "init");
    assert_false(facts.alone);
    name_path(index, SLICE "/" ID_C, &subject, &facts);
    assert_false(facts.alone);
    tell_pod(index, CS_KUBE_POD, UID_A, STATUS("log", ID_A), 2);
    name_path(index, SLICE "/" ID_A, &subject, &facts);
    assert_false(facts.alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_container_declares),
        cmocka_unit_test(counts_no_init_step_as_company),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
