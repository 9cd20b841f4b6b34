/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_terminal.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* xterm's control sequences: alternate screen, no cursor, no wrapping at the right edge. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

#define LEAVE_WAIT_MS 1000
#define RETRY_MS      10

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

/* Write all, or until the time is up or, if interruptible, a signal is there. */
static void put(const struct cs_terminal *terminal, const char *bytes, size_t len,
                bool interruptible, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = interruptible ? terminal->signals : -1, .events = POLLIN},
                           {.fd = terminal->out, .events = POLLOUT}};

    while (len > 0) {
        ssize_t n;

        if (poll(fds, CS_ARRAY_SIZE(fds), timeout_ms) <= 0 || fds[0].revents)
            return;
        n = write(terminal->out, bytes, len);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            poll(fds, 1, RETRY_MS); /* room for a byte, not for a line's end */
        } else {
            return;
        }
    }
}

/* Standard output without blocking, which must not be set on what we share with a shell. */
static int reopen_output(void)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : fd;
}

static int enter(struct cs_terminal *terminal)
{
    struct termios raw = terminal->before;

    /* Ctrl-C and Ctrl-Z stay signals; Ctrl-S would stop a display that is to be live. */
    raw.c_iflag &= ~(tcflag_t)IXON;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(terminal->in, TCSANOW, &raw) < 0)
        return -errno;
    terminal->entered = true;
    put(terminal, ENTER, sizeof(ENTER) - 1, false, LEAVE_WAIT_MS);
    return 0;
}

static void leave(struct cs_terminal *terminal)
{
    if (!terminal->entered)
        return;
    terminal->entered = false;
    put(terminal, LEAVE, sizeof(LEAVE) - 1, false, LEAVE_WAIT_MS);
    /* Not TCSADRAIN: a terminal that is stopped would keep us here. */
    tcsetattr(terminal->in, TCSANOW, &terminal->before);
}

int cs_terminal_open(struct cs_terminal *terminal)
{
    struct cs_terminal made = {.in = STDIN_FILENO, .out = -1, .signals = -1};
    sigset_t set;
    int error;

    if (tcgetattr(made.in, &made.before) < 0)
        return -errno;
    sigemptyset(&set);
    for (size_t i = 0; i < CS_ARRAY_SIZE(SIGNALS); i++)
        sigaddset(&set, SIGNALS[i]);
    if (sigprocmask(SIG_BLOCK, &set, &made.mask_before) < 0)
        return -errno;
    made.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    made.out = made.signals < 0 ? -1 : reopen_output();
    error = made.out < 0 ? -errno : enter(&made);
    if (error < 0) {
        cs_close_fd(&made.out);
        cs_close_fd(&made.signals);
        sigprocmask(SIG_SETMASK, &made.mask_before, NULL);
        return error;
    }
    *terminal = made;
    return 0;
}

void cs_terminal_close(struct cs_terminal *terminal)
{
    struct signalfd_siginfo info;

    if (terminal->signals < 0)
        return;
    leave(terminal);
    /* A second Ctrl-C that waits must not kill us on the way out. */
    while (read(terminal->signals, &info, sizeof(info)) == sizeof(info))
        ;
    cs_close_fd(&terminal->out);
    cs_close_fd(&terminal->signals);
    sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

bool cs_terminal_size(int fd, size_t *width, size_t *height)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        return false;
    *width = size.ws_col;
    *height = size.ws_row;
    return true;
}

void cs_terminal_write(const struct cs_terminal *terminal, const struct cs_buffer *frame)
{
    put(terminal, frame->data, frame->len, true, -1);
}

enum cs_terminal_event cs_terminal_signal(struct cs_terminal *terminal)
{
    struct signalfd_siginfo info;

    if (read(terminal->signals, &info, sizeof(info)) != sizeof(info))
        return CS_TERMINAL_NOTHING;
    switch (info.ssi_signo) {
    case SIGWINCH:
        return CS_TERMINAL_REDRAW;
    case SIGTSTP:
        leave(terminal);
        raise(SIGSTOP);
        return enter(terminal) < 0 ? CS_TERMINAL_END : CS_TERMINAL_REDRAW;
    case SIGCONT: /* also after a SIGSTOP of which nobody told us */
        return CS_TERMINAL_REDRAW;
    default:
        return CS_TERMINAL_END;
    }
}

size_t cs_terminal_decode(const char *bytes, size_t len, int *keys, size_t n)
{
    static const struct {
        const char *bytes;
        int key;
    } SEQUENCES[] = {
        {"\033[A", CS_KEY_UP},     {"\033OA", CS_KEY_UP},       {"\033[B", CS_KEY_DOWN},
        {"\033OB", CS_KEY_DOWN},   {"\033[5~", CS_KEY_PAGE_UP}, {"\033[6~", CS_KEY_PAGE_DOWN},
        {"\033[H", CS_KEY_HOME},   {"\033OH", CS_KEY_HOME},     {"\033[1~", CS_KEY_HOME},
        {"\033[F", CS_KEY_FINISH}, {"\033OF", CS_KEY_FINISH},   {"\033[4~", CS_KEY_FINISH},
    };
    size_t count = 0;

    while (len > 0 && count < n) {
        size_t used = 1;
        int key = (unsigned char)*bytes;

        if (key == '\033') {
            key = CS_KEY_NONE;
            used = len; /* what follows belongs to it: no letter of it is a key */
            for (size_t i = 0; i < CS_ARRAY_SIZE(SEQUENCES); i++) {
                size_t size = strlen(SEQUENCES[i].bytes);

                if (size <= len && memcmp(bytes, SEQUENCES[i].bytes, size) == 0) {
                    key = SEQUENCES[i].key;
                    used = size;
                }
            }
        }
        keys[count++] = key;
        bytes += used;
        len -= used;
    }
    return count;
}

size_t cs_terminal_keys(const struct cs_terminal *terminal, int *keys, size_t n)
{
    char bytes[64];
    ssize_t len = read(terminal->in, bytes, sizeof(bytes) < n ? sizeof(bytes) : n);

    return len > 0 ? cs_terminal_decode(bytes, (size_t)len, keys, n) : 0;
}
