/* SPDX-License-Identifier: MIT */
/*
 * The client side of 9P2000.L: a function for each request, which writes the message into a buffer,
 * has it exchanged for its answer, and reads that. Whatever carries messages (calls with shared
 * pages, a device, a socket) is a function of the user's. Answers are not trusted: what does not
 * fit the protocol is EPROTO. Functions return 0 or a positive error number.
 */
#ifndef LIB_NINEP_CLIENT_H
#define LIB_NINEP_CLIENT_H

#include "lib/fs.h"
#include "lib/ninep.h"

struct ninep_client {
    unsigned char *buffer; /* of requests and answers */
    uint32_t room;         /* bytes of it, and the msize agreed upon */
    int once;              /* 1: the request in hand must not be done twice */
    int several;           /* 1: exchange takes several requests at once, as lib/fs.h says */
    /* Has the request of so many bytes at the buffer's start replaced by its answer. 0, or an error
       number. */
    int (*exchange)(struct ninep_client *c, uint32_t bytes, uint32_t *answer);
    void *context; /* exchange's own */
};

int ninep_version(struct ninep_client *c); /* may lower room to what the server wants */
int ninep_attach(struct ninep_client *c, uint32_t fid, const char *path);
/* path: parts with "/" between; "": a second fid of the same file. */
int ninep_walk(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char *path);
int ninep_clunk(struct ninep_client *c, uint32_t fid);
int ninep_lopen(struct ninep_client *c, uint32_t fid, uint32_t flags);
int ninep_lcreate(struct ninep_client *c, uint32_t fid, const char *name, uint32_t flags,
                  uint32_t mode);
/* *data: in the buffer, good until the next request. *done: its bytes. */
int ninep_read(struct ninep_client *c, uint32_t fid, uint64_t offset, uint32_t bytes,
               const void **data, uint32_t *done);
/* append: the server puts it at the end, wherever that is. */
int ninep_write(struct ninep_client *c, uint32_t fid, uint64_t offset, const void *from,
                uint32_t bytes, int append, uint32_t *done);
/* The entries from cookie on; read them with ninep_entry_next while it gives 1. */
int ninep_readdir(struct ninep_client *c, uint32_t fid, uint64_t cookie, uint32_t bytes,
                  struct ninep_reader *entries);
int ninep_entry_next(struct ninep_reader *entries, struct fs_entry *entry);
int ninep_getattr(struct ninep_client *c, uint32_t fid, struct fs_attr *attr);
int ninep_setattr(struct ninep_client *c, uint32_t fid, uint32_t which, const struct fs_attr *attr);
/* Walks, asks for the attributes, and lets newfid go again: in one exchange where that is possible. */
int ninep_walk_getattr(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char *path,
                       struct fs_attr *attr);
/* Walks, opens and asks for the attributes, likewise. At an error there is no newfid. */
int ninep_walk_open(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char *path,
                    uint32_t flags, struct fs_attr *attr);
int ninep_mkdir(struct ninep_client *c, uint32_t folder, const char *name, uint32_t mode);
int ninep_unlinkat(struct ninep_client *c, uint32_t folder, const char *name, int is_folder);
int ninep_renameat(struct ninep_client *c, uint32_t from, const char *name, uint32_t to,
                   const char *new_name);
int ninep_fsync(struct ninep_client *c, uint32_t fid);
int ninep_statfs(struct ninep_client *c, uint32_t fid, struct fs_space *space);
int ninep_readlink(struct ninep_client *c, uint32_t fid, char *to, size_t room);

#endif
