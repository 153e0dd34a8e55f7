/* SPDX-License-Identifier: MIT */
/*
 * Writing and escaping text.
 */
#include "page.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void page_bytes(struct page *p, const char *text, size_t bytes)
{
    if (p->full || bytes > p->room - p->used) {
        p->full = 1;
        return;
    }
    memcpy(p->to + p->used, text, bytes);
    p->used += bytes;
}

void page_text(struct page *p, const char *text) { page_bytes(p, text, strlen(text)); }

void page_format(struct page *p, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line)
        p->full = 1;
    else
        page_bytes(p, line, (size_t)n);
}

void page_html(struct page *p, const char *text)
{
    for (; *text != 0; text++) {
        switch (*text) {
        case '<':
            page_text(p, "&lt;");
            break;
        case '>':
            page_text(p, "&gt;");
            break;
        case '&':
            page_text(p, "&amp;");
            break;
        case '"':
            page_text(p, "&quot;");
            break;
        case '\'':
            page_text(p, "&#39;");
            break;
        default:
            page_bytes(p, text, 1);
        }
    }
}

void page_url(struct page *p, const char *path)
{
    for (; *path != 0; path++) {
        unsigned char c = (unsigned char)*path;
        int plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (plain || strchr("-._~/", c) != NULL)
            page_bytes(p, path, 1);
        else
            page_format(p, "%%%02X", c);
    }
}

void page_json(struct page *p, const char *text)
{
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            page_format(p, "\\%c", c);
        else if (c < 32 ||
                 c >= 127) /* names are bytes: each is shown as the character of its number */
            page_format(p, "\\u%04x", c);
        else
            page_bytes(p, text, 1);
    }
}

void page_begin(struct page *p, const char *title)
{
    page_text(p, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    page_html(p, title);
    page_text(
        p,
        "</title>\n<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;"
        "padding:0 1em;color:#222}table{border-collapse:collapse}td,th{padding:.1em 1.5em .1em 0;"
        "text-align:left}td.n{text-align:right}a{color:#05a}</style></head><body>\n");
}

void page_end(struct page *p) { page_text(p, "</body></html>\n"); }
