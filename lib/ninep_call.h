/* SPDX-License-Identifier: MIT */
/*
 * What the files of the 9P server share: the message in hand and the fids it names. Private to
 * lib/ninep_*.c.
 */
#ifndef LIB_NINEP_CALL_H
#define LIB_NINEP_CALL_H

#include "lib/ninep_server.h"
#include <errno.h>

/* A node of the file system as sessions hold it: one reference there, counted here. */
struct ninep_node {
    uint64_t node;
    uint32_t refs;
};

struct ninep_fid {
    uint32_t number;
    uint32_t flags; /* of the open */
    int open;       /* 1: by Tlopen or Tlcreate */
    struct ninep_node *node;
    struct ninep_node *parent; /* NULL: unknown */
    char *name;                /* in parent; NULL: unknown */
};

/* A request being answered. */
struct ninep_call {
    struct ninep_session *session;
    const struct fs_ops *ops;
    void *fs;
    struct ninep_reader in;
    struct ninep_writer out;
    const unsigned char *data; /* of a Twrite */
    uint32_t data_bytes;
    uint32_t room; /* of the whole answer */
};

/* Answers a request: fields from in, answer to out; 0 or an error number. */
typedef int ninep_handler(struct ninep_call *c);

/* The fid the next field names; NULL: there is none. */
struct ninep_fid *ninep_fid_take(struct ninep_call *c);
struct ninep_fid *ninep_fid_find(const struct ninep_session *s, uint32_t number);
/* A new fid for a node with one reference, which it takes (also at an error: then it is let go).
   parent and name: NULL, or where the node was found. */
int ninep_fid_add(struct ninep_call *c, uint32_t number, uint64_t node, struct ninep_node *parent,
                  const char *name);
void ninep_fid_remove(struct ninep_session *s, struct ninep_fid *f);
/* Makes the fid stand for another node, found under name in what it stood for; as fid_add. */
int ninep_fid_descend(struct ninep_call *c, struct ninep_fid *f, uint64_t node, const char *name);

/* The fid's file was renamed. */
void ninep_fid_place_set(struct ninep_call *c, struct ninep_fid *f, struct ninep_node *parent,
                         const char *name);

/* The name the next field holds, to create or remove: EINVAL, ENAMETOOLONG. */
int ninep_name_take(struct ninep_call *c, char name[FS_NAME_MAX + 1]);

/* The qid of a node, from its attributes. */
int ninep_node_qid(struct ninep_call *c, uint64_t node, struct ninep_qid *qid);

ninep_handler ninep_do_version, ninep_do_attach, ninep_do_walk, ninep_do_clunk;
ninep_handler ninep_do_lopen, ninep_do_lcreate, ninep_do_read, ninep_do_write, ninep_do_readdir;
ninep_handler ninep_do_getattr, ninep_do_setattr, ninep_do_fsync, ninep_do_statfs;
ninep_handler ninep_do_mkdir, ninep_do_mknod, ninep_do_symlink, ninep_do_readlink, ninep_do_link;
ninep_handler ninep_do_rename, ninep_do_renameat, ninep_do_unlinkat, ninep_do_remove;
ninep_handler ninep_do_lock, ninep_do_getlock;
void ninep_locks_drop(struct ninep_session *s);

#endif
