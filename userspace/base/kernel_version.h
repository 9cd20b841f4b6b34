/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BASE_KERNEL_VERSION_H
#define CS_BASE_KERNEL_VERSION_H

#include <stdint.h>

/* A kernel version as one number that compares. */
#define CS_KERNEL(major, minor)  ((uint32_t)(major) << 16 | (uint32_t)(minor))
#define CS_KERNEL_MAJOR(version) ((version) >> 16)
#define CS_KERNEL_MINOR(version) ((version)&0xffff)

#endif
