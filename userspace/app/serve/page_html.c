/* SPDX-License-Identifier: Apache-2.0 */
#include "app/serve/page_html.h"

/* The Makefile runs the compiler at the top of the tree, and knows that this needs page.html. */
__asm__(".section .rodata\n"
        ".global cs_page_html, cs_page_html_end\n"
        ".type cs_page_html, STT_OBJECT\n"
        "cs_page_html:\n"
        ".incbin \"userspace/app/serve/page.html\"\n"
        "cs_page_html_end:\n"
        ".byte 0\n"
        ".size cs_page_html, . - cs_page_html\n"
        ".previous\n");
