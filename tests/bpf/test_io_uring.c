// SPDX-License-Identifier: Apache-2.0
/* connect(2) by the kernel's polling thread of an io_uring: a kernel thread below 5.12, whose
 * cgroup and process are nobody's; since then, and in later 5.10 stable kernels (which took over
 * io_uring from 5.15), a thread of the program. */
#include "traffic.h"
#include "transcript.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

struct ring {
    int fd;
    struct io_uring_params params;
    char *rings; /* both queues */
    struct io_uring_sqe *entries;
};

static bool ring_open(struct ring *ring, int socket)
{
    size_t size;

    memset(ring, 0, sizeof(*ring));
    ring->params.flags = IORING_SETUP_SQPOLL;
    ring->params.sq_thread_idle = 1000;
    ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
    if (ring->fd < 0)
        return false;
    assert_true(ring->params.features & IORING_FEAT_SINGLE_MMAP);
    size = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
    ring->rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
                       IORING_OFF_SQ_RING);
    ring->entries =
        mmap(NULL, ring->params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
    assert_ptr_not_equal(ring->rings, MAP_FAILED);
    assert_ptr_not_equal(ring->entries, MAP_FAILED);
    /* Below 5.11 the polling thread takes registered files only. */
    return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, &socket, 1) == 0;
}

static uint32_t *word(struct ring *ring, uint32_t offset)
{
    return (uint32_t *)(ring->rings + offset);
}

/* Connect by the ring; its result. */
static int ring_connect(struct ring *ring, const struct sockaddr_storage *address, socklen_t len)
{
    const struct io_uring_sq_ring_offsets {
        uint32_t tail, flags, array;
    } sq = {ring->params.sq_off.tail, ring->params.sq_off.flags, ring->params.sq_off.array};
    const struct io_uring_cqe *done =
        (const struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes);
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;

    ring->entries[0] = (struct io_uring_sqe){
        .opcode = IORING_OP_CONNECT,
        .flags = IOSQE_FIXED_FILE,
        .addr = (uintptr_t)address,
        .off = len,
    };
    *word(ring, sq.array) = 0;
    __atomic_store_n(word(ring, sq.tail), 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE)) {
        if (__atomic_load_n(word(ring, sq.flags), __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
            syscall(SYS_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
        assert_true(harness_now_ns() < end);
        harness_sleep_ms(1);
    }
    return done->res;
}

static bool is_below_5_12(void)
{
    struct utsname name;
    int major = 0, minor = 0;

    uname(&name);
    assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
    return major < 5 || (major == 5 && minor < 12);
}

static void test_polling_thread(void **state)
{
    struct pair pair = {.listener = traffic_listen(AGENT4, 80)};
    const struct cs_fact_connect *connect;
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, AGENT4, 80, false);
    struct facts facts = {0};
    struct ring ring;

    (void)state;
    pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!ring_open(&ring, pair.client))
        harness_skip("no io_uring here: %s", strerror(errno));
    assert_int_equal(ring_connect(&ring, &address, len), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_ESTABLISHED, 1), 1);
    connect = facts_find(&facts, CS_FACT_CONNECT, 0);
    if (connect->flags == CS_CONNECT_KTHREAD) {
        assert_true(is_below_5_12());
    } else {
        assert_int_equal(connect->flags, 0);
        assert_int_equal(connect->tgid, getpid());
        assert_int_equal(connect->cgroup_id, harness.cgroup_id);
    }
    close(ring.fd);
    traffic_end(&pair);
    facts_free(&facts);
}

int test_io_uring_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_polling_thread, harness_setup),
    };

    return cmocka_run_group_tests_name("io_uring", tests, NULL, NULL);
}
