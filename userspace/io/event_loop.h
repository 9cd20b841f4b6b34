/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one event loop: epoll, timers as timerfds, signals as a signalfd. Single-threaded;
 * callbacks run from cs_loop_run, one after the other, and may add and remove any watch,
 * their own included.
 */
#ifndef CS_IO_EVENT_LOOP_H
#define CS_IO_EVENT_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct cs_loop;
struct cs_watch;

/* events: EPOLLIN and so on, as epoll reported them. */
typedef void (*cs_watch_fn)(void *data, uint32_t events);
typedef void (*cs_timer_fn)(void *data);
typedef void (*cs_signal_fn)(void *data, int signal);

/* 0 or -errno; *loop is untouched on failure. */
int cs_loop_new(struct cs_loop **loop);

/* Accepts NULL. Removes every watch; file descriptors given by the caller stay open. */
void cs_loop_free(struct cs_loop *loop);

/* Call function when fd is ready. The fd stays the caller's and must outlive the watch.
 * *watch belongs to the loop; remove it with cs_loop_remove. 0 or -errno. */
int cs_loop_add(struct cs_loop *loop, int fd, uint32_t events, cs_watch_fn function, void *data,
                struct cs_watch **watch);
int cs_loop_modify(struct cs_loop *loop, struct cs_watch *watch, uint32_t events);

/* Accepts NULL. The callback is not called again. */
void cs_loop_remove(struct cs_loop *loop, struct cs_watch *watch);

/* A timer, disarmed: cs_timer_set arms it. Freed by cs_loop_remove. */
int cs_loop_add_timer(struct cs_loop *loop, cs_timer_fn function, void *data,
                      struct cs_watch **timer);

/* First expiry after first_ns (0 disarms), then every interval_ns (0: once). */
int cs_timer_set(struct cs_watch *timer, uint64_t first_ns, uint64_t interval_ns);

/* Block the signals of the set in this thread and deliver them through the loop. */
int cs_loop_add_signals(struct cs_loop *loop, const sigset_t *set, cs_signal_fn function,
                        void *data);

/* Until cs_loop_stop: 0, or -errno when waiting fails. */
int cs_loop_run(struct cs_loop *loop);
void cs_loop_stop(struct cs_loop *loop);

#endif
