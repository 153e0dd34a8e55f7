/* SPDX-License-Identifier: MIT */
/*
 * A folder of the host as a file system (struct fs_ops of lib/fs.h), for the guest that it is shared with. The guest sees what
 * is below the folder with this process's rights and nothing outside: every step is one name from a folder held open, links
 * are never followed, and ".." of the folder is the folder.
 */
#ifndef HOSTED_SHARE_H
#define HOSTED_SHARE_H

#include <stdbool.h>

struct fs_ops;
struct share;

/* The functions; their first argument is a struct share. */
extern const struct fs_ops share_ops;

/* NULL: it cannot be opened, errno says why. */
struct share *share_open(const char *folder, bool read_only);

/* Closes all files it holds. */
void share_close(struct share *share);

#endif
