/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/util.h"
#include "io/event_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/epoll.h>

struct state {
    struct cs_loop *loop;
    struct cs_watch *first, *second;
    int first_calls, second_calls, ticks, signal;
    int fd;
};

static void on_first(void *data, uint32_t events)
{
    struct state *state = data;

    assert_true(events & EPOLLIN);
    state->first_calls++;
    /* Both are ready in the same wait: whichever runs first removes the other. */
    cs_loop_remove(state->loop, state->second);
    cs_loop_remove(state->loop, state->first);
}

static void on_second(void *data, uint32_t events)
{
    struct state *state = data;

    (void)events;
    state->second_calls++;
    cs_loop_remove(state->loop, state->first);
    cs_loop_remove(state->loop, state->second);
}

static void on_tick(void *data)
{
    struct state *state = data;

    if (++state->ticks == 3)
        cs_loop_stop(state->loop);
}

static void on_signal(void *data, int signal)
{
    struct state *state = data;

    state->signal = signal;
    cs_loop_stop(state->loop);
}

static void removal_during_dispatch(void **unused)
{
    struct state state = {0};
    struct cs_watch *timer;
    int a[2], b[2];

    (void)unused;
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    assert_int_equal(cs_loop_new(&state.loop), 0);
    assert_int_equal(cs_loop_add(state.loop, a[0], EPOLLIN, on_first, &state, &state.first), 0);
    assert_int_equal(cs_loop_add(state.loop, b[0], EPOLLIN, on_second, &state, &state.second), 0);
    assert_int_equal(cs_loop_add_timer(state.loop, on_tick, &state, &timer), 0);
    assert_int_equal(cs_timer_set(timer, CS_NSEC_PER_MSEC, CS_NSEC_PER_MSEC), 0);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    assert_int_equal(cs_loop_run(state.loop), 0);
    assert_int_equal(state.first_calls + state.second_calls, 1);
    assert_int_equal(state.ticks, 3);
    cs_loop_free(state.loop);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void signals_come_through_the_loop(void **unused)
{
    struct state state = {0};
    sigset_t set;

    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    assert_int_equal(cs_loop_new(&state.loop), 0);
    assert_int_equal(cs_loop_add_signals(state.loop, &set, on_signal, &state), 0);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(cs_loop_run(state.loop), 0);
    assert_int_equal(state.signal, SIGHUP);
    cs_loop_free(state.loop);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void a_bad_descriptor_is_refused(void **unused)
{
    struct state state = {0};
    struct cs_watch *watch = NULL;

    (void)unused;
    assert_int_equal(cs_loop_new(&state.loop), 0);
    assert_int_equal(cs_loop_add(state.loop, -1, EPOLLIN, on_first, &state, &watch), -EBADF);
    assert_null(watch);
    cs_loop_free(state.loop);
    cs_loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removal_during_dispatch),
        cmocka_unit_test(signals_come_through_the_loop),
        cmocka_unit_test(a_bad_descriptor_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
