/* SPDX-License-Identifier: MIT */
/*
 * A file system that is somebody else's, behind a 9P2000.L client: struct fs_ops whose functions are
 * requests to that server. A node is a fid there, and a second one once the node is read or written.
 * So what a device or a connection shares can be served on (lib/fs.h) and mounted like any other.
 */
#ifndef LIB_NINEP_REMOTE_H
#define LIB_NINEP_REMOTE_H

#include "lib/ninep_client.h"

#define NINEP_REMOTE_ENTRIES 8192u /* bytes of entries fetched at a time */

struct ninep_remote_node;

struct ninep_remote {
    struct ninep_client *client;
    struct ninep_remote_node *node; /* a table; 0 and what is free have no fid */
    uint64_t nodes;
    uint32_t fids;                   /* numbers given out so far, from 1; 0 is the root */
    uint64_t list_node, list_cookie; /* whose entries are in bytes, and where the next one begins */
    struct ninep_reader list;
    unsigned char bytes[NINEP_REMOTE_ENTRIES];
};

extern const struct fs_ops ninep_remote_ops; /* fs: a struct ninep_remote */

/* Agrees on the version and attaches to the server's root. */
int ninep_remote_start(struct ninep_remote *r, struct ninep_client *client);
/* Forgets all without a word to the server, which may be dead; start may follow. */
void ninep_remote_end(struct ninep_remote *r);

#endif
