/* SPDX-License-Identifier: MIT */
/*
 * A site in memory for the HTTP engine's tests, and a way to talk to the engine. Counts what is open, so a
 * resource that is never closed is found.
 */
#ifndef TESTS_HTTP_SITE_H
#define TESTS_HTTP_SITE_H

#include "servers/httpd/http.h"

#define HTTP_SITE_MTIME 784111777u /* Sun, 06 Nov 1994 08:49:37 GMT */
extern uint64_t http_site_now;     /* 0: nobody knows the date */
#define HTTP_SITE_ENTRIES 100      /* of "/many/" */

extern const struct http_site http_site;
extern int http_site_open_now;   /* resources */
extern int http_site_short_read; /* 1: "/short" ends before its size */

/*
 * Gives input to a new connection, piece bytes at a time, and takes answers, room bytes at a time, until nothing
 * moves any more; late: then its time is up. Gives the bytes in output (most at most, more are counted and thrown away).
 */
struct http_talk {
    const char *input;
    size_t bytes;
    size_t piece, room;
    int late;
};
size_t http_talk(const struct http_talk *talk, char *output, size_t most, int *ended);

#endif
