/* SPDX-License-Identifier: Apache-2.0 */
#include "io/event_loop.h"

#include "base/cleanup.h"
#include "base/util.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define EVENTS_PER_WAIT 64

enum watch_kind { WATCH_FD, WATCH_TIMER, WATCH_SIGNALS };

struct cs_watch {
    struct cs_watch *next;
    enum watch_kind kind;
    bool removed;
    int fd;
    void *data;
    union {
        cs_watch_fn on_ready;
        cs_timer_fn on_timer;
        cs_signal_fn on_signal;
    };
};

struct cs_loop {
    int epoll_fd;
    bool stopped;
    struct cs_watch *watches;
};

int cs_loop_new(struct cs_loop **loop)
{
    struct cs_loop *new = calloc(1, sizeof(*new));

    if (!new)
        return -ENOMEM;
    new->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (new->epoll_fd < 0) {
        int error = -errno;

        free(new);
        return error;
    }
    *loop = new;
    return 0;
}

static void watch_free(struct cs_watch *watch)
{
    if (watch->kind != WATCH_FD)
        close(watch->fd);
    free(watch);
}

/* Events of one wait may name a watch that an earlier callback removed: free them after it. */
static void free_removed(struct cs_loop *loop)
{
    struct cs_watch **link = &loop->watches;

    while (*link) {
        struct cs_watch *watch = *link;

        if (watch->removed) {
            *link = watch->next;
            watch_free(watch);
        } else {
            link = &watch->next;
        }
    }
}

void cs_loop_free(struct cs_loop *loop)
{
    if (!loop)
        return;
    for (struct cs_watch *watch = loop->watches; watch; watch = watch->next)
        watch->removed = true;
    free_removed(loop);
    close(loop->epoll_fd);
    free(loop);
}

static int add_watch(struct cs_loop *loop, enum watch_kind kind, int fd, uint32_t events,
                     void *data, struct cs_watch **watch)
{
    struct cs_watch *new = calloc(1, sizeof(*new));
    struct epoll_event event = {.events = events, .data.ptr = new};

    if (!new)
        return -ENOMEM;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        int error = -errno;

        free(new);
        return error;
    }
    new->kind = kind;
    new->fd = fd;
    new->data = data;
    new->next = loop->watches;
    loop->watches = new;
    *watch = new;
    return 0;
}

int cs_loop_add(struct cs_loop *loop, int fd, uint32_t events, cs_watch_fn function, void *data,
                struct cs_watch **watch)
{
    int error = add_watch(loop, WATCH_FD, fd, events, data, watch);

    if (error == 0)
        (*watch)->on_ready = function;
    return error;
}

int cs_loop_modify(struct cs_loop *loop, struct cs_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0 ? -errno : 0;
}

void cs_loop_remove(struct cs_loop *loop, struct cs_watch *watch)
{
    if (!watch || watch->removed)
        return;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->removed = true;
}

int cs_loop_add_timer(struct cs_loop *loop, cs_timer_fn function, void *data,
                      struct cs_watch **timer)
{
    _cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int error;

    if (fd < 0)
        return -errno;
    error = add_watch(loop, WATCH_TIMER, fd, EPOLLIN, data, timer);
    if (error < 0)
        return error;
    (*timer)->on_timer = function;
    TAKE_FD(fd);
    return 0;
}

int cs_timer_set(struct cs_watch *timer, uint64_t first_ns, uint64_t interval_ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(first_ns / CS_NSEC_PER_SEC),
                     .tv_nsec = (long)(first_ns % CS_NSEC_PER_SEC)},
        .it_interval = {.tv_sec = (time_t)(interval_ns / CS_NSEC_PER_SEC),
                        .tv_nsec = (long)(interval_ns % CS_NSEC_PER_SEC)},
    };

    return timerfd_settime(timer->fd, 0, &when, NULL) < 0 ? -errno : 0;
}

int cs_loop_add_signals(struct cs_loop *loop, const sigset_t *set, cs_signal_fn function,
                        void *data)
{
    struct cs_watch *watch;
    _cleanup_close_ int fd = -1;
    int error;

    if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    error = add_watch(loop, WATCH_SIGNALS, fd, EPOLLIN, data, &watch);
    if (error < 0)
        return error;
    watch->on_signal = function;
    TAKE_FD(fd);
    return 0;
}

static void dispatch(struct cs_watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;
    uint64_t expirations;

    switch (watch->kind) {
    case WATCH_FD:
        watch->on_ready(watch->data, events);
        break;
    case WATCH_TIMER:
        if (read(watch->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
            watch->on_timer(watch->data);
        break;
    case WATCH_SIGNALS:
        while (!watch->removed && read(watch->fd, &info, sizeof(info)) == sizeof(info))
            watch->on_signal(watch->data, (int)info.ssi_signo);
        break;
    }
}

int cs_loop_run(struct cs_loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped) {
        struct epoll_event events[EVENTS_PER_WAIT];
        int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_WAIT, -1);

        if (n < 0 && errno != EINTR)
            return -errno;
        for (int i = 0; i < n && !loop->stopped; i++) {
            struct cs_watch *watch = events[i].data.ptr;

            if (!watch->removed)
                dispatch(watch, events[i].events);
        }
        free_removed(loop);
    }
    return 0;
}

void cs_loop_stop(struct cs_loop *loop)
{
    loop->stopped = true;
}
