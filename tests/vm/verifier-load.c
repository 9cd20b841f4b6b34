// SPDX-License-Identifier: Apache-2.0
/*
 * Load each program of a BPF object by itself on the running kernel and print a line for each:
 * its size, what the verifier needed, or the verifier's log when it refused. Loading one at a
 * time keeps one refusal from hiding the others; maps are created each time.
 *
 * Usage: verifier-load [--attach CGROUP] OBJECT [PROGRAM]...
 * With --attach each is attached too (to that cgroup where it is of such a type) and detached.
 * Exits 0 when all were accepted, 1 when one was refused, 2 when the object can't be opened.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <credscope/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define LOG_BYTES      (16U << 20)
#define LOG_TAIL_LINES 60
/* BPF_COMPLEXITY_LIMIT_INSNS of the kernel's include/linux/bpf.h. */
#define INSNS_LIMIT 1000000U
/* BPF_LOG_STATS of the kernel's include/linux/bpf_verifier.h (since 5.2): totals only. */
#define LOG_STATS 4U

static char libbpf_said[8192];
/* The cgroup to attach to; -1: attach nothing. */
static int attach_cgroup = -1;
static int attach_failures;

/* Keeps the last messages of libbpf: they say why an object failed before the verifier saw it. */
static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
    char line[4096];

    if (level == LIBBPF_DEBUG)
        return 0;
    vsnprintf(line, sizeof(line), format, args);
    if (strlen(libbpf_said) + strlen(line) + 1 > sizeof(libbpf_said))
        libbpf_said[0] = '\0';
    strcat(libbpf_said, line);
    return 0;
}

static const char *last_lines(const char *text, int lines)
{
    const char *at = text + strlen(text);

    while (at > text && (at[-1] != '\n' || lines-- > 0))
        at--;
    return at;
}

/* Bytes before variable `name` in the object's read-only data, or -1. */
static long rodata_offset(const struct bpf_object *object, const char *name)
{
    const struct btf *btf = bpf_object__btf(object);
    int section = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -1;
    const struct btf_type *type = section > 0 ? btf__type_by_id(btf, (unsigned int)section) : NULL;

    for (int i = 0; type && i < btf_vlen(type); i++) {
        const struct btf_var_secinfo *variable = &btf_var_secinfos(type)[i];
        const struct btf_type *of = btf__type_by_id(btf, variable->type);

        if (strcmp(btf__name_by_offset(btf, of->name_off), name) == 0)
            return variable->offset;
    }
    return -1;
}

/* A sensor that watches no port has nothing to do, which kernels since 6.8 see: then they don't
 * verify what is behind. Let it watch as many as it can. */
static void watch_ports(const struct bpf_object *object)
{
    struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
    long offset = rodata_offset(object, "config");
    struct cs_sensor_constants *config;
    size_t size = 0;
    const void *initial = map ? bpf_map__initial_value(map, &size) : NULL;
    char *data;

    if (!initial || offset < 0 || (size_t)offset + sizeof(*config) > size)
        return;
    data = malloc(size);
    if (!data)
        return;
    memcpy(data, initial, size);
    config = (struct cs_sensor_constants *)(data + offset);
    config->tls_port_count = CS_TLS_PORTS_MAX;
    config->port_count = CS_PORTS_MAX;
    for (__u32 i = 0; i < CS_PORTS_MAX; i++)
        config->ports[i] = i + 1;
    bpf_map__set_initial_value(map, data, size);
    free(data);
}

static struct bpf_object *open_only(const char *path, const char *program,
                                    struct bpf_program **wanted)
{
    struct bpf_object *object = bpf_object__open_file(path, NULL);
    struct bpf_program *each = NULL;

    if (!object)
        return NULL;
    while ((each = bpf_object__next_program(object, each))) {
        bool same = strcmp(bpf_program__name(each), program) == 0;

        bpf_program__set_autoload(each, same);
        if (same)
            *wanted = each;
    }
    watch_ports(object);
    return object;
}

/* The verifier's totals end its log; newer kernels count subprograms before them. */
static unsigned int insns_walked(const char *log)
{
    unsigned int walked = 0, count;

    while ((log = strstr(log, "processed "))) {
        if (sscanf(log, "processed %u insns", &count) == 1)
            walked = count;
        log++;
    }
    return walked;
}

/* Some programs load where they can't be attached, so say both. */
static int try_attach(const struct bpf_program *program)
{
    enum bpf_prog_type type = bpf_program__type(program);
    bool of_cgroup = type == BPF_PROG_TYPE_CGROUP_SKB || type == BPF_PROG_TYPE_CGROUP_SOCK ||
                     type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR || type == BPF_PROG_TYPE_SOCK_OPS;
    struct bpf_link *link;
    int err = 0;

    link = of_cgroup ? bpf_program__attach_cgroup(program, attach_cgroup)
                     : bpf_program__attach(program);
    if (!link)
        err = -errno;
    if (err)
        printf(", NOT ATTACHED: error %d, %s", -err, strerror(-err));
    else
        printf(", attached");
    bpf_link__destroy(link);
    return err;
}

/* Loads with totals only, then again with the full log when that was refused. */
static int load_program(const char *path, const char *name, char *log, unsigned int level)
{
    struct bpf_program *program = NULL;
    struct bpf_object *object = open_only(path, name, &program);
    size_t insns;
    int err;

    if (!object || !program) {
        bpf_object__close(object);
        return -ENOENT;
    }
    log[0] = '\0';
    libbpf_said[0] = '\0';
    bpf_program__set_log_level(program, level);
    bpf_program__set_log_buf(program, log, LOG_BYTES);
    err = bpf_object__load(object);
    insns = bpf_program__insn_cnt(program);
    if (!err)
        printf("ok      %-28s %-30s %6zu insns, %7u of %u walked", name,
               bpf_program__section_name(program), insns, insns_walked(log), INSNS_LIMIT);
    if (!err && attach_cgroup >= 0)
        attach_failures += try_attach(program) != 0;
    if (!err)
        printf("\n");
    bpf_object__close(object);
    return err;
}

/*
 * The totals' log already holds the reason; the full one shows the way there, but is cut on old
 * kernels when it outgrows the buffer, and takes minutes for a program that never ends.
 */
static int check_program(const char *path, const char *name, char *log)
{
    int err = load_program(path, name, log, LOG_STATS);
    char *reason;

    if (!err)
        return 0;
    printf("REFUSED %-28s %s\n", name, strerror(-err));
    reason = strdup(log[0] ? log : libbpf_said);
    if (log[0] && insns_walked(log) < INSNS_LIMIT)
        load_program(path, name, log, 1);
    if (log[0])
        fputs(last_lines(log, LOG_TAIL_LINES), stdout);
    if (reason && (!log[0] || !strstr(log, "processed ")))
        printf("%s%s", log[0] ? "\n(the log was cut here; it ends)\n" : "", reason);
    free(reason);
    return 1;
}

static int is_wanted(const char *name, char **wanted)
{
    if (!*wanted)
        return 1;
    for (; *wanted; wanted++)
        if (strcmp(name, *wanted) == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct bpf_object *object;
    struct bpf_program *each = NULL;
    char *log = malloc(LOG_BYTES);
    int programs = 0, refused = 0;

    if (argc > 2 && strcmp(argv[1], "--attach") == 0) {
        attach_cgroup = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (attach_cgroup < 0) {
            fprintf(stderr, "verifier-load: %s: %s\n", argv[2], strerror(errno));
            return 2;
        }
        argc -= 2;
        argv += 2;
    }
    if (argc < 2 || !log) {
        fprintf(stderr, "usage: verifier-load [--attach CGROUP] OBJECT [PROGRAM]...\n");
        return 2;
    }
    /* Kernels before 5.11 charge BPF memory to it. */
    setrlimit(RLIMIT_MEMLOCK, &unlimited);
    libbpf_set_print(keep_message);
    object = bpf_object__open_file(argv[1], NULL);
    if (!object) {
        fprintf(stderr, "verifier-load: can't open %s: %s\n%s", argv[1], strerror(errno),
                libbpf_said);
        return 2;
    }
    while ((each = bpf_object__next_program(object, each))) {
        if (!is_wanted(bpf_program__name(each), argv + 2))
            continue;
        programs++;
        refused += check_program(argv[1], bpf_program__name(each), log);
        fflush(stdout);
    }
    bpf_object__close(object);
    free(log);
    printf("%d programs accepted, %d refused", programs - refused, refused);
    if (attach_cgroup >= 0)
        printf(", %d not attachable", attach_failures);
    printf("\n");
    return refused || attach_failures || !programs ? 1 : 0;
}
