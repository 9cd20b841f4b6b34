// SPDX-License-Identifier: Apache-2.0
/* Cgroups as they come and go. The facts are the machine's: others' are passed over. */
#include "harness.h"
#include "transcript.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_NAME_LEN 200
#define LONG_DEPTH    6

/* The harness cgroup's name: what its path ends in, from the true root or deeper. */
static const char *own_name(void)
{
    return strrchr(harness.cgroup, '/');
}

static const struct cs_fact_cgroup *find(const struct facts *facts, enum cs_fact_type type,
                                         uint64_t id)
{
    const struct cs_fact_cgroup *fact;

    for (size_t n = 0; (fact = facts_find(facts, type, n)); n++)
        if (fact->cgroup_id == id)
            return fact;
    return NULL;
}

/* Take facts until there is one of that type and cgroup. */
static const struct cs_fact_cgroup *wait_for(struct facts *facts, enum cs_fact_type type,
                                             uint64_t id)
{
    const struct cs_fact_cgroup *fact;
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;

    while (!(fact = find(facts, type, id)) && harness_now_ns() < end) {
        facts_poll(harness.sensor, facts);
        harness_sleep_ms(1);
    }
    assert_non_null(fact);
    return fact;
}

/* Cgroup events need reads of kernel memory; a kernel that allows them must have the events. */
static void skip_when_locked(void)
{
    if (!cs_sensor_reads_kernel(harness.sensor))
        harness_skip("lockdown=confidentiality");
}

static void assert_path_ends(const struct cs_fact_cgroup *fact, const char *end)
{
    char path[CS_CGROUP_PATH_MAX + 1] = "";

    memcpy(path, fact->text, fact->path_len);
    assert_int_equal(strlen(path), fact->path_len);
    assert_int_equal(path[0], '/');
    assert_true(strlen(path) >= strlen(end));
    assert_string_equal(path + strlen(path) - strlen(end), end);
}

static void made_and_removed(void **state)
{
    struct facts facts = {0};
    const struct cs_fact_cgroup *made, *inner, *gone;
    char outer_path[300], inner_path[320], end[600];
    uint64_t id, inner_id, before = harness_now_ns();

    (void)state;
    skip_when_locked();
    snprintf(outer_path, sizeof(outer_path), "%s/made-pod", harness.cgroup);
    snprintf(inner_path, sizeof(inner_path), "%s/app.scope", outer_path);
    assert_int_equal(mkdir(outer_path, 0755), 0);
    assert_int_equal(mkdir(inner_path, 0755), 0);
    id = harness_cgroup_id("made-pod");
    inner_id = harness_cgroup_id("made-pod/app.scope");
    assert_int_equal(rmdir(inner_path), 0);
    assert_int_equal(rmdir(outer_path), 0);

    gone = wait_for(&facts, CS_FACT_CGROUP_REMOVED, id);
    made = find(&facts, CS_FACT_CGROUP_CREATED, id);
    inner = find(&facts, CS_FACT_CGROUP_CREATED, inner_id);
    assert_non_null(made);
    assert_non_null(inner);
    assert_non_null(find(&facts, CS_FACT_CGROUP_REMOVED, inner_id));
    snprintf(end, sizeof(end), "%s/made-pod", own_name());
    assert_path_ends(made, end);
    assert_path_ends(gone, end);
    snprintf(end, sizeof(end), "%s/made-pod/app.scope", own_name());
    assert_path_ends(inner, end);
    assert_int_equal(inner->level, made->level + 1);
    assert_int_equal(made->flags, 0);
    assert_int_equal(made->header.cookie, 0);
    assert_int_equal(made->header.seq, 0);
    assert_in_range(made->header.time_ns, before, harness_now_ns());
    assert_true(gone->header.time_ns > made->header.time_ns);
    facts_free(&facts);
}

/* A child's descriptor-relative steps, since the path itself is longer than some calls take. */
static void long_path_is_cut(void **state)
{
    struct facts facts = {0};
    const struct cs_fact_cgroup *fact;
    char name[LONG_NAME_LEN + 1] = "";
    struct stat st;
    uint64_t ids[LONG_DEPTH];
    int depth = 0;

    (void)state;
    skip_when_locked();
    memset(name, 'd', LONG_NAME_LEN);
    assert_int_equal(chdir(harness.cgroup), 0);
    for (; depth < LONG_DEPTH; depth++) {
        assert_int_equal(mkdir(name, 0755), 0);
        assert_int_equal(chdir(name), 0);
        assert_int_equal(stat(".", &st), 0);
        ids[depth] = st.st_ino;
    }
    for (; depth > 0; depth--) {
        assert_int_equal(chdir(".."), 0);
        assert_int_equal(rmdir(name), 0);
    }
    assert_int_equal(chdir("/"), 0);
    wait_for(&facts, CS_FACT_CGROUP_REMOVED, ids[0]);
    fact = find(&facts, CS_FACT_CGROUP_CREATED, ids[3]);
    assert_non_null(fact);
    assert_int_equal(fact->flags, 0);
    assert_true(fact->path_len > 4 * LONG_NAME_LEN);
    fact = find(&facts, CS_FACT_CGROUP_CREATED, ids[LONG_DEPTH - 1]);
    assert_non_null(fact);
    assert_int_equal(fact->flags, CS_CGROUP_PATH_CUT);
    assert_in_range(fact->path_len, CS_CGROUP_PATH_MAX - 1, CS_CGROUP_PATH_MAX);
    assert_int_equal(fact->header.size, sizeof(*fact) + fact->path_len);
    facts_free(&facts);
}

/* v1 hierarchies number their cgroups independently: an id of theirs may be one of v2's. */
static void other_hierarchies_are_not_told(void **state)
{
    struct facts facts = {0};
    const struct cs_fact_cgroup *fact;
    char directory[64] = "/tmp", path[300];
    uint64_t id;

    (void)state;
    skip_when_locked();
    if (mount("none", directory, "cgroup", 0, "none,name=credscope-test"))
        harness_skip("cannot mount a cgroup v1 hierarchy: %s", strerror(errno));
    snprintf(path, sizeof(path), "%s/credscope-v1-%d", directory, getpid());
    assert_int_equal(mkdir(path, 0755), 0);
    rmdir(path);
    umount2(directory, MNT_DETACH);

    snprintf(path, sizeof(path), "%s/after", harness.cgroup);
    assert_int_equal(mkdir(path, 0755), 0);
    id = harness_cgroup_id("after");
    rmdir(path);
    wait_for(&facts, CS_FACT_CGROUP_REMOVED, id);
    for (size_t n = 0; (fact = facts_find(&facts, CS_FACT_CGROUP_CREATED, n)); n++) {
        char text[CS_CGROUP_PATH_MAX + 1] = "";

        memcpy(text, fact->text, fact->path_len);
        assert_null(strstr(text, "credscope-v1-"));
    }
    facts_free(&facts);
}

int test_cgroup_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(made_and_removed, harness_setup),
        cmocka_unit_test_setup(long_path_is_cut, harness_setup),
        cmocka_unit_test_setup(other_hierarchies_are_not_told, harness_setup),
    };

    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
