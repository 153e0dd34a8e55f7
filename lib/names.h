/* SPDX-License-Identifier: MIT */
/*
 * The protocol of the name service: which file server is mounted where. A mount has a number that
 * is never used again, also not after a restart of the service. Programs use lib/vfs.h instead.
 */
#ifndef LIB_NAMES_H
#define LIB_NAMES_H

#include "lib/message.h"

/* Answers: label 0 or an error number of errno.h. */
enum names_label {
    /* w0: version of the table that is known (0: none), then as text a uint64_t: first entry wanted.
       Answer w0: version; text: struct names_page, without entries when the version is known. */
    NAMES_TABLE = 1,
    NAMES_HANDLE,  /* w0: mount. Answer: a handle to its server, marked as the caller's own is */
    NAMES_MOUNT,   /* text: path; item: a handle to the server. Unmarked callers only, else EPERM */
    NAMES_UNMOUNT, /* text: path. Unmarked callers only */
    NAMES_BIND,    /* text: path, 0, path of a mount. Unmarked callers only */
    NAMES_GONE     /* w0: mount whose server is dead: it is looked at and taken off the table */
};

#define NAMES_PATH_MAX 200u /* bytes of a mount's path with its ending 0 */
#define NAMES_MOUNTS_MAX 64u

/* A piece of the table: entries are a number and a path that ends in 0, one behind the other. */
struct names_page {
    uint32_t entries; /* of the whole table */
    uint32_t here;    /* in text */
    char text[MESSAGE_TEXT_MAX - 8];
};

#endif
