/* SPDX-License-Identifier: MIT */
/*
 * Text of pages, written into a fixed room: what does not fit is left out, and full says so.
 */
#ifndef HTTPD_PAGE_H
#define HTTPD_PAGE_H

#include <stddef.h>
#include <stdint.h>

struct page {
    char *to;
    size_t room;
    size_t used;
    int full; /* 1: something did not fit */
};

void page_text(struct page *p, const char *text);
void page_format(struct page *p, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* Text that has no special meaning where it stands: between HTML tags and in attributes, in a path
   of an URL, in a JSON string (without its quotes). */
void page_html(struct page *p, const char *text);
void page_url(struct page *p, const char *path);
void page_json(struct page *p, const char *text);

#define PAGE_ESCAPE_MAX 6u /* bytes one byte becomes at most */

/* What all pages look like: up to and with <body>, and the end. */
void page_begin(struct page *p, const char *title);
void page_end(struct page *p);

#endif
