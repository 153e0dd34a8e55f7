/* SPDX-License-Identifier: MIT */
/*
 * The server side of a file system: what a file system implements (struct fs_ops), and the loop
 * that serves it over 9P2000.L to clients on an endpoint (fs_serve). Functions return 0 or a
 * positive error number of errno.h.
 *
 * How the messages travel. A client opens a session (FS_OPEN) with a handle of an endpoint of its
 * own, which shows whether the client lives, and the first pages of its buffer; FS_GROW adds pages.
 * Then each FS_CALL says how long the 9P message is that lies at the buffer's start; the answer
 * replaces it there. Several messages may lie there one behind the other (8 KiB in all, and none of
 * them with the data of a write): they are done in turn up to the first that fails, and so many
 * answers come back. Nothing in the buffer is trusted: heads are copied out before they are read.
 */
#ifndef LIB_FS_H
#define LIB_FS_H

#include <stddef.h>
#include <stdint.h>

#define FS_NAME_MAX 255u

/* Kinds of file, in fs_attr.mode and fs_entry.mode, beside the permission bits 0777. */
#define S_IFMT 0170000u
#define S_IFDIR 0040000u
#define S_IFREG 0100000u
#define S_IFLNK 0120000u
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)
#define S_ISREG(mode) (((mode)&S_IFMT) == S_IFREG)

struct fs_attr {
    uint64_t ino;    /* the file's number, the same for its whole life */
    uint32_t mode;   /* S_IF.. and permissions */
    uint32_t nlink;  /* 0: removed, but still open */
    uint64_t size;   /* bytes */
    uint64_t mtime;  /* seconds since 1970 */
    uint64_t blocks; /* of 512 bytes, really taken */
};

struct fs_entry {
    uint64_t ino;
    uint64_t next; /* cookie of the next entry; never 0 */
    uint32_t mode; /* S_IF.. at least */
    char name[FS_NAME_MAX + 1];
};

struct fs_space {
    uint64_t block_bytes;
    uint64_t blocks, free;      /* of block_bytes */
    uint64_t files, files_free; /* 0, 0: no limit on their number */
    uint32_t type;              /* as Linux's statfs tells it: 0xef53 ext2, 0x4d44 FAT, ... */
};

/* which of setattr */
#define FS_SET_MODE 1u /* permission bits only */
#define FS_SET_SIZE 2u
#define FS_SET_MTIME 4u
#define FS_TIME_NOW UINT64_MAX /* as mtime of setattr: whatever the time is */

/*
 * A file system. A node is a number the file system chooses, not 0, for a file or folder in use.
 * Each is counted: root, lookup and create give one reference, forget takes it back. A removed file
 * lives on until its last reference is gone. Names are 1 to FS_NAME_MAX bytes without "/" and 0,
 * and neither "." nor ".." except where lookup says so; all else is the file system's to refuse.
 * The caller has checked nothing else: dir may be a file, sizes and offsets may be any number.
 */
struct fs_ops {
    int (*root)(void *fs, uint64_t *node);
    /* name may be "..": the parent; of the root: the root itself. */
    int (*lookup)(void *fs, uint64_t dir, const char *name, uint64_t *node);
    void (*forget)(void *fs, uint64_t node);
    int (*getattr)(void *fs, uint64_t node, struct fs_attr *attr);
    int (*setattr)(void *fs, uint64_t node, uint32_t which, const struct fs_attr *attr);
    /* *done may be less than bytes; 0: the end of the file. */
    int (*read)(void *fs, uint64_t node, uint64_t offset, void *to, uint32_t bytes, uint32_t *done);
    /* A gap before offset reads as zeros. from may change while it is read, so read it once. */
    int (*write)(void *fs, uint64_t node, uint64_t offset, const void *from, uint32_t bytes,
                 uint32_t *done);
    /* cookie 0: the first entry; then entry->next of the one before. ENOENT at the end; no "." and
       "..". Any cookie is legal. Entries that stay must neither be skipped nor come twice when
       others are removed between two calls. */
    int (*readdir)(void *fs, uint64_t dir, uint64_t cookie, struct fs_entry *entry);
    /* mode: S_IFDIR or S_IFREG, and permissions. EEXIST when the name is taken. */
    int (*create)(void *fs, uint64_t dir, const char *name, uint32_t mode, uint64_t *node);
    /* folder: 1: it must be an empty folder; 0: it must not be a folder. */
    int (*remove)(void *fs, uint64_t dir, const char *name, int folder);
    /* Replaces new_name if that is a file, or an empty folder and name is one, too. EINVAL: a folder
       into itself or what is below it. */
    int (*rename)(void *fs, uint64_t from, const char *name, uint64_t to, const char *new_name);
    /* When this returns 0 what was written before is on the device. node 0: of all files. */
    int (*sync)(void *fs, uint64_t node);
    int (*space)(void *fs, struct fs_space *space);
    /* NULL: not there, clients get EOPNOTSUPP. readlink: text without ending 0, *done its bytes. */
    int (*readlink)(void *fs, uint64_t node, char *to, uint32_t bytes, uint32_t *done);
    int (*symlink)(void *fs, uint64_t dir, const char *name, const char *target, uint64_t *node);
    int (*link)(void *fs, uint64_t dir, const char *name, uint64_t node);
};

/* Labels of calls. Answers: label 0, or FS_NO_SESSION, or an error number of errno.h. */
enum fs_label {
    FS_OPEN = 1, /* items: an endpoint of the client's, then 1 to 3 pages. Answer w0: session */
    FS_GROW,     /* w0 session; items: 1 to 4 pages, up to FS_PAGES_MAX in all */
    FS_CALL,     /* w0 session, w1 bytes of the message. Answer w0: bytes of the 9P answer */
    FS_CLOSE,    /* w0 session */
    FS_PAGES     /* w0 page of the file from 0, path as text. Answer w0: file size, w1: where it
                    begins in its first page; items: up to four pages. EOPNOTSUPP: not here */
};
#define FS_NO_SESSION 1000u /* never heard of it: the server is new; open one */
#define FS_PAGES_MAX 16u    /* of a session's buffer: 64 KiB, the largest message */

/* Seconds since 1970, as well as the system knows: since boot, if nobody knows when that was. */
uint64_t fs_time(void);

/* What a server wants beside its fs_ops; any function may be NULL. */
struct fs_server {
    const struct fs_ops *ops;
    void *fs;
    uint64_t endpoint;
    void (*event)(void *fs, uint64_t bits); /* event bits signalled on the endpoint */
    /* Called idle_ns nanoseconds after the first request since the last time, once nothing else
       waits: to write back, say. */
    void (*idle)(void *fs);
    uint64_t idle_ns;
    /* FS_PAGES: where in this program's memory, page aligned, the first page of the file is that
       holds its byte 0 at *head. */
    int (*pages)(void *fs, const char *path, const void **first, uint64_t *head, uint64_t *bytes);
};

/* Serves until the endpoint is gone; returns the system call's error that says so. */
int64_t fs_serve_with(const struct fs_server *server);
int64_t fs_serve(const struct fs_ops *ops, void *fs, uint64_t endpoint);

#endif
