/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's and its libraries' code and constants as memory. Most of it ran once, at the start
 * (libbpf's loader, OpenSSL's tables, a dozen libraries' constructors), and stays mapped, and
 * counted as this process's, until the kernel is short of memory.
 */
#ifndef CS_IO_CODE_PAGES_H
#define CS_IO_CODE_PAGES_H

#include <stddef.h>

/*
 * Unmap the pages of all segments that were never writable; what is used again comes back from the
 * page cache, at a minor fault a 64 KiB or so. Call it when a phase has ended whose code is not
 * run again. Returns the bytes of address space given back, most of which had no page.
 */
size_t cs_code_pages_release(void);

#endif
