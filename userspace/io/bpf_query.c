/* SPDX-License-Identifier: Apache-2.0 */
#include "io/bpf_query.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static void name_read(struct cs_bpf_program *program)
{
    _cleanup_close_ int fd = bpf_prog_get_fd_by_id(program->id);
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof(info);

    program->name[0] = '\0';
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
        cs_text_copy(program->name, sizeof(program->name), info.name,
                     strnlen(info.name, sizeof(info.name)));
}

int cs_bpf_query_attached(int cgroup_fd, enum bpf_attach_type hook,
                          struct cs_bpf_program programs[CS_BPF_PROGRAMS_MAX], size_t *count)
{
    uint32_t ids[CS_BPF_PROGRAMS_MAX], flags = 0, n = CS_BPF_PROGRAMS_MAX;

    /* ENOSPC: more are attached than fit, the first ones are filled in. */
    if (bpf_prog_query(cgroup_fd, hook, 0, &flags, ids, &n) < 0 && errno != ENOSPC)
        return -errno;
    if (n > CS_BPF_PROGRAMS_MAX)
        n = CS_BPF_PROGRAMS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        programs[i].id = ids[i];
        name_read(&programs[i]);
    }
    *count = n;
    return 0;
}

enum feature_kind { FEATURE_MAP, FEATURE_PROGRAM, FEATURE_HELPER };

static const struct {
    enum feature_kind kind;
    enum bpf_map_type map;
    enum bpf_prog_type program;
    enum bpf_func_id helper;
} probes[] = {
    {FEATURE_MAP, BPF_MAP_TYPE_RINGBUF, 0, 0},
    {FEATURE_MAP, BPF_MAP_TYPE_SK_STORAGE, 0, 0},
    {FEATURE_MAP, BPF_MAP_TYPE_LPM_TRIE, 0, 0},
    {FEATURE_PROGRAM, 0, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 0},
    {FEATURE_PROGRAM, 0, BPF_PROG_TYPE_CGROUP_SOCK, 0},
    {FEATURE_PROGRAM, 0, BPF_PROG_TYPE_SOCK_OPS, 0},
    {FEATURE_PROGRAM, 0, BPF_PROG_TYPE_CGROUP_SKB, 0},
    {FEATURE_HELPER, 0, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_sk_storage_get},
    {FEATURE_HELPER, 0, BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_sk_storage_get},
    {FEATURE_HELPER, 0, BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_ringbuf_reserve},
};

static const struct cs_bpf_feature features[] = {
    {"ring buffer map", true},
    {"socket storage map", true},
    {"LPM trie map", true},
    {"cgroup connect programs", true},
    {"cgroup socket programs", true},
    {"sock_ops programs", true},
    {"cgroup packet programs", true},
    {"socket storage at connect", true},
    {"socket storage at packets", true},
    {"ring buffer at packets", true},
};
_Static_assert(CS_ARRAY_SIZE(features) == CS_ARRAY_SIZE(probes), "a probe for each feature");

const struct cs_bpf_feature *cs_bpf_features(size_t *n)
{
    *n = CS_ARRAY_SIZE(features);
    return features;
}

int cs_bpf_feature_probe(size_t i)
{
    switch (probes[i].kind) {
    case FEATURE_MAP:
        return libbpf_probe_bpf_map_type(probes[i].map, NULL);
    case FEATURE_PROGRAM:
        return libbpf_probe_bpf_prog_type(probes[i].program, NULL);
    default:
        return libbpf_probe_bpf_helper(probes[i].program, probes[i].helper, NULL);
    }
}
