/* SPDX-License-Identifier: MIT */
/*
 * What this server shows: the files of all mounted file systems under their paths, and /status. What
 * is not found there is looked for below a folder of its own (environment ROOT), so that a site made
 * there is seen at "/", too.
 */
#ifndef HTTPD_SITE_H
#define HTTPD_SITE_H

#include "http.h"

#define SITE_PAGE_BYTES 262144u /* of a generated page, at most */
#define SITE_PAGES 8u           /* of them given out at once, at most; more get 503 */

extern const struct http_site site;

/* root: the folder, NULL for none. */
void site_setup(const char *root);

/* status.c: the system's state as JSON; gives its length, 0 when it does not fit. */
size_t status_json(char *to, size_t room);

#endif
