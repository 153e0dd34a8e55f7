/* SPDX-License-Identifier: MIT */
/*
 * What the files of lib/vfs*.c share: connections to file servers. Private to them.
 *
 * There is a connection for each mount of the table that was read from the name service. Its
 * session is opened at the first use and again when the server has forgotten it; generation counts
 * that, and tells open files that their fid is gone. A connection whose mount has left the table
 * stays until its last open file is closed.
 */
#ifndef LIB_VFS_LOCAL_H
#define LIB_VFS_LOCAL_H

#include "lib/names.h"
#include "lib/ninep_client.h"
#include "lib/vfs.h"

#define VFS_CONNECTIONS 32u
#define VFS_LOST 10000   /* internal error: the session is gone, do it again */
#define VFS_FID_ROOT 0u  /* fids of each session */
#define VFS_FID_SPARE 1u /* for the time of one operation */
#define VFS_FID_SPARE_TWO 2u
#define VFS_FID_FILES 3u /* + number of the open file */
#define VFS_TRIES 4

struct vfs_connection {
    uint64_t number;  /* of the mount; 0: free */
    uint64_t handle;  /* of the server; 0: not asked for yet */
    uint64_t session; /* 0: none */
    uint64_t generation;
    uint64_t pages; /* of the buffer that are mapped and shared */
    unsigned files; /* open */
    int gone;       /* 1: no longer in the table */
    int small;      /* 1: the buffer of this session does not grow */
    int no_pages;   /* 1: the server has no FS_PAGES */
    char path[NAMES_PATH_MAX];
    struct ninep_client client;
};

/* The connection for an absolute path, and in *rest what is below its mount. -error. */
int vfs_connection_find(const char *path, struct vfs_connection **connection, const char **rest);
/* The n-th mount of the table, for listing; NULL behind the last. Number 0 looks whether the table is
   still the same. */
struct vfs_connection *vfs_connection_number(unsigned n);
/* Looks at the table again, whatever its age. */
int vfs_table_read(void);
/* The server of this connection is dead: has the name service take it off the table. */
void vfs_connection_gone(struct vfs_connection *c);
/* Opens the session if there is none. Positive error number, or VFS_LOST. */
int vfs_connect(struct vfs_connection *c);
/* Has the whole buffer shared, for large reads and writes; a small buffer stays when that fails. */
void vfs_buffer_grow(struct vfs_connection *c);
/* A handle to the connection's server. Positive error number. */
int vfs_handle(struct vfs_connection *c);
/* A file was closed: a connection that has gone is given up with its last. */
void vfs_connection_release(struct vfs_connection *c);
/* The handle of the name service; 0: none was given. */
uint64_t vfs_names(void);

#endif
