/* SPDX-License-Identifier: Apache-2.0 */
#include "io/code_pages.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Code that was relocated in place has private pages, which would be lost. No distribution's
 * library has such. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(info->dlpi_addr + header->p_vaddr);

        if (header->p_type != PT_DYNAMIC)
            continue;
        for (; entry->d_tag != DT_NULL; entry++)
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
                return true;
    }
    return false;
}

/* Whole pages only: the first and the last may be another segment's as well. */
static size_t release_segment(uintptr_t start, uintptr_t end)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    start = (start + page - 1) / page * page;
    end = end / page * page;
    if (start >= end || madvise((void *)start, end - start, MADV_DONTNEED) < 0)
        return 0;
    return end - start;
}

static int release_object(struct dl_phdr_info *info, size_t size, void *data)
{
    size_t *released = data;

    (void)size;
    /* The vDSO is the kernel's, and no file. */
    if (strncmp(info->dlpi_name, "linux-", 6) == 0 || has_text_relocations(info))
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;

        if (header->p_type == PT_LOAD && !(header->p_flags & PF_W))
            *released += release_segment(start, start + header->p_memsz);
    }
    return 0;
}

size_t cs_code_pages_release(void)
{
    size_t released = 0;

    dl_iterate_phdr(release_object, &released);
    return released;
}
