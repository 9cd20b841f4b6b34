/* SPDX-License-Identifier: Apache-2.0 */
/* page.html, as it was when this was built. */
#ifndef CS_APP_PAGE_HTML_H
#define CS_APP_PAGE_HTML_H

extern const char cs_page_html[];
extern const char cs_page_html_end[];

#endif
