/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound release: declare with the attribute, hand on with TAKE_PTR / TAKE_FD. */
#ifndef CS_BASE_CLEANUP_H
#define CS_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CS_CLEANUP(function) __attribute__((cleanup(function)))
#define _cleanup_free_       CS_CLEANUP(cs_free_ptr)
#define _cleanup_close_      CS_CLEANUP(cs_close_fd)
#define _cleanup_fclose_     CS_CLEANUP(cs_close_file)

/* The value, leaving NULL (or -1) behind, so that the cleanup attribute does nothing. */
#define TAKE_PTR(pointer)                       \
    ({                                          \
        __typeof__(pointer) taken_ = (pointer); \
        (pointer) = NULL;                       \
        taken_;                                 \
    })
#define TAKE_FD(fd)        \
    ({                     \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })

static inline void cs_free_ptr(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cs_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline void cs_close_file(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

#endif
