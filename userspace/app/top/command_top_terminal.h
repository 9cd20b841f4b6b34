/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal of a live command: keys one by one, an alternate screen, its size, and the signals
 * that concern it through a file descriptor, so that every way out passes cs_terminal_close, which
 * puts back what was there.
 */
#ifndef CS_APP_COMMAND_TOP_TERMINAL_H
#define CS_APP_COMMAND_TOP_TERMINAL_H

#include "base/buffer.h"
#include "base/cleanup.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct cs_terminal {
    int in;      /* standard input */
    int out;     /* standard output, opened again */
    int signals; /* readable when there is a signal */
    bool entered;
    struct termios before;
    sigset_t mask_before;
};

#define CS_TERMINAL_INIT ((struct cs_terminal){.in = -1, .out = -1, .signals = -1})

/* Take over the terminal of standard input and output. 0 or -errno; nothing is changed then. */
int cs_terminal_open(struct cs_terminal *terminal);

/* Put everything back; accepts one that is not open. */
void cs_terminal_close(struct cs_terminal *terminal);
#define _cleanup_terminal_ CS_CLEANUP(cs_terminal_close)

/* The size of the terminal on fd: columns and lines. False: it is none, or has no size. */
bool cs_terminal_size(int fd, size_t *width, size_t *height);

/* Write a frame. One that the terminal does not take (nobody reads it) is given up when a signal
 * comes. */
void cs_terminal_write(const struct cs_terminal *terminal, const struct cs_buffer *frame);

enum cs_terminal_event { CS_TERMINAL_NOTHING, CS_TERMINAL_REDRAW, CS_TERMINAL_END };

/* Read one signal. SIGTSTP stops here, with the terminal as it was before. END: a signal asks to
 * end. */
enum cs_terminal_event cs_terminal_signal(struct cs_terminal *terminal);

enum cs_terminal_key {
    CS_KEY_NONE = 0, /* an unknown sequence; below 256: that character */
    CS_KEY_UP = 256,
    CS_KEY_DOWN,
    CS_KEY_PAGE_UP,
    CS_KEY_PAGE_DOWN,
    CS_KEY_HOME,
    CS_KEY_FINISH, /* the key "end" */
};

/* Keys that were typed, at most n of them: how many; 0 when the terminal is gone. */
size_t cs_terminal_keys(const struct cs_terminal *terminal, int *keys, size_t n);

/* The same of bytes: for tests. */
size_t cs_terminal_decode(const char *bytes, size_t len, int *keys, size_t n);

#endif
