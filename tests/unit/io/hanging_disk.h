/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that hangs, as seen by those who use it: a system call that doesn't return until it is let
 * go. Include after cmocka.h. */
#ifndef TESTS_UNIT_IO_HANGING_DISK_H
#define TESTS_UNIT_IO_HANGING_DISK_H

#include "base/util.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run in a child with mounts of its own; its exit status says which step failed. */
static inline void in_child(int (*child)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(60);
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(99);
        _exit(child());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* From here on that system call of the caller's and its children's waits for answer(). The
 * listener, or -1. */
static inline int trap(int call)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = CS_ARRAY_SIZE(filter), .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* Let one such call go on. */
static inline bool answer(int listener)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    struct seccomp_notif request = {0};
    struct seccomp_notif_resp response = {0};

    if (poll(&ready, 1, 10000) != 1 || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
        return false;
    response.id = request.id;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

#endif
