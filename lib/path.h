/* SPDX-License-Identifier: MIT */
/*
 * Paths as text: plain data, no system calls. An absolute path begins with "/", has no ".", "..",
 * empty part or "/" at its end; the root is "/".
 */
#ifndef LIB_PATH_H
#define LIB_PATH_H

#include <stddef.h>

/* Makes path absolute, taken from folder (absolute) unless it begins with "/"; ".." of the root is
   the root. 0, or -ENOENT: path is empty, -ENAMETOOLONG: it does not fit, or a part of it is longer
   than FS_NAME_MAX. */
int path_absolute(const char *folder, const char *path, char *to, size_t room);

/* What is left of an absolute path below a folder, without "/" in front: "a/b" for "/x" and
   "/x/a/b", "" for the folder itself. NULL: it is not below. */
const char *path_below(const char *folder, const char *path);

/* The last part of a path, "" of the root. */
const char *path_name(const char *path);

/* Puts a name behind a folder with one "/" between. -ENAMETOOLONG. */
int path_join(const char *folder, const char *name, char *to, size_t room);

#endif
