/* SPDX-License-Identifier: MIT */
/*
 * The whole mounted name space as one file system: struct fs_ops over lib/vfs.h, for the 9P server of
 * lib/ninep_server.h.
 */
#ifndef EXPORT_TREE_H
#define EXPORT_TREE_H

#include "lib/fs.h"

#define TREE_NODES 4096u /* in use at once, by all clients */
#define TREE_FILES 512u  /* of them open at once */

extern const struct fs_ops tree_ops; /* its fs is NULL */

/* How many nodes are in use, for tests. */
unsigned tree_nodes(void);

#endif
