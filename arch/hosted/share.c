/* SPDX-License-Identifier: MIT */
/*
 * A folder of the host as a file system. A node is a place in a table: an O_PATH descriptor got by opening one name, without
 * following links, in its parent's, so no path is ever resolved by the host; and, once it is read or written, a second
 * descriptor opened through it. Each file has one node, found by device and inode number; it holds its parent. Only files
 * and folders are opened: a device or pipe of the host would block, or do worse.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* lib/fs.h has these for programs, with the same values. */
#undef S_IFMT
#undef S_IFDIR
#undef S_IFREG
#undef S_IFLNK
#undef S_ISDIR
#undef S_ISREG

#include "arch/hosted/share.h"
#include "lib/fs.h"

#define NODES_MAX 4096u
#define ROOT 1u /* node of the folder itself: place + 1 */
#define PERMISSIONS 0777u

struct node {
    uint32_t refs;   /* the file system's user's, and one of each child's; 0: the place is free */
    uint32_t parent; /* node; the root's is 0 */
    int path;        /* O_PATH */
    int file;        /* -1: not opened yet */
    bool writable;   /* file is */
    DIR *folder;     /* NULL: not read yet; has its own descriptor */
    uint64_t cookie; /* where folder is */
    dev_t device;
    ino_t inode;
};

struct share {
    bool read_only;
    struct node node[NODES_MAX];
};

static struct node *node_of(void *fs, uint64_t number)
{
    struct share *share = fs;

    return &share->node[(number - 1) % NODES_MAX];
}

/* ---- nodes ---- */

static void node_close(struct node *n)
{
    if (n->folder != NULL) {
        closedir(n->folder);
    }
    if (n->file >= 0) {
        close(n->file);
    }
    close(n->path);
    memset(n, 0, sizeof *n);
}

static void share_forget(void *fs, uint64_t number)
{
    while (number != 0 && --node_of(fs, number)->refs == 0) {
        struct node *n = node_of(fs, number);

        number = n->parent; /* which this one held */
        node_close(n);
    }
}

/* The node of this file, whose descriptor it takes over. */
static int node_get(struct share *share, uint64_t parent, int path, uint64_t *number)
{
    struct stat status;
    uint32_t empty = NODES_MAX;

    if (fstat(path, &status) != 0) {
        close(path);
        return EIO;
    }
    for (uint32_t i = 0; i < NODES_MAX; i++) {
        struct node *n = &share->node[i];

        if (n->refs > 0 && n->device == status.st_dev && n->inode == status.st_ino) {
            close(path);
            n->refs++;
            *number = i + 1;
            return 0;
        }
        if (n->refs == 0 && empty == NODES_MAX) {
            empty = i;
        }
    }
    if (empty == NODES_MAX) {
        close(path);
        return ENFILE;
    }
    share->node[empty] = (struct node){.refs = 1,
                                       .parent = (uint32_t)parent,
                                       .path = path,
                                       .file = -1,
                                       .device = status.st_dev,
                                       .inode = status.st_ino};
    if (parent != 0) {
        node_of(share, parent)->refs++;
    }
    *number = empty + 1;
    return 0;
}

struct share *share_open(const char *folder, bool read_only)
{
    struct share *share = calloc(1, sizeof *share);
    int path = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint64_t root;

    if (share == NULL || path < 0 || node_get(share, 0, path, &root) != 0) {
        free(share);
        return NULL;
    }
    share->read_only = read_only;
    return share;
}

void share_close(struct share *share)
{
    for (uint32_t i = 0; i < NODES_MAX; i++) {
        if (share->node[i].refs > 0) {
            node_close(&share->node[i]);
        }
    }
    free(share);
}

static int share_root(void *fs, uint64_t *number)
{
    node_of(fs, ROOT)->refs++;
    *number = ROOT;
    return 0;
}

static bool name_legal(const char *name)
{
    return name[0] != 0 && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static int share_lookup(void *fs, uint64_t folder, const char *name, uint64_t *number)
{
    struct node *n = node_of(fs, folder);
    int path;

    if (strcmp(name, "..") == 0) {
        *number = n->parent == 0 ? ROOT : n->parent;
        node_of(fs, *number)->refs++;
        return 0;
    }
    if (!name_legal(name)) {
        return EINVAL;
    }
    path = openat(n->path, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return path < 0 ? errno : node_get(fs, folder, path, number);
}

/* ---- files ---- */

/* An O_PATH descriptor cannot be read or chmodded; its name in /proc leads to the very same file. */
static const char *proc_name(const struct node *n)
{
    static char name[32];

    snprintf(name, sizeof name, "/proc/self/fd/%d", n->path);
    return name;
}

static int plain_check(const struct node *n, bool folder_too)
{
    struct stat status;

    if (fstat(n->path, &status) != 0) {
        return EIO;
    }
    if (S_ISDIR(status.st_mode) && !folder_too) {
        return EISDIR;
    }
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? 0 : EACCES;
}

/* Opens it for reading, or for both. */
static int file_open(struct node *n, bool write)
{
    int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY, error = plain_check(n, !write), file;

    if (error != 0 || (n->file >= 0 && (n->writable || !write))) {
        return error;
    }
    file = open(proc_name(n), flags | (write ? O_RDWR : O_RDONLY));
    if (file < 0 && write && errno == EACCES) {
        file = open(proc_name(n), flags | O_WRONLY); /* a file that may only be written */
    }
    if (file < 0) {
        return errno;
    }
    if (n->file >= 0) {
        close(n->file);
    }
    n->file = file;
    n->writable = write;
    return 0;
}

static int share_getattr(void *fs, uint64_t number, struct fs_attr *attr)
{
    struct stat status;

    if (fstat(node_of(fs, number)->path, &status) != 0) {
        return errno;
    }
    *attr = (struct fs_attr){.ino = status.st_ino,
                             .mode = status.st_mode & (S_IFMT | PERMISSIONS),
                             .nlink = (uint32_t)status.st_nlink,
                             .size = (uint64_t)status.st_size,
                             .mtime = (uint64_t)status.st_mtime,
                             .blocks = (uint64_t)status.st_blocks};
    return 0;
}

static int size_set(struct node *n, uint64_t size)
{
    int error = size > INT64_MAX ? EFBIG : file_open(n, true);

    if (error != 0) {
        return error;
    }
    return ftruncate(n->file, (off_t)size) == 0 ? 0 : errno;
}

static int share_setattr(void *fs, uint64_t number, uint32_t which, const struct fs_attr *attr)
{
    struct node *n = node_of(fs, number);
    struct timespec time[2] = {{0, UTIME_OMIT}, {(time_t)attr->mtime, 0}};
    int error = ((struct share *)fs)->read_only ? EROFS : plain_check(n, true);

    if (attr->mtime == FS_TIME_NOW) {
        time[1] = (struct timespec){0, UTIME_NOW};
    }
    if (error == 0 && (which & FS_SET_SIZE) != 0) {
        error = size_set(n, attr->size);
    }
    if (error == 0 && (which & FS_SET_MODE) != 0 &&
        fchmodat(AT_FDCWD, proc_name(n), attr->mode & PERMISSIONS, 0) != 0) {
        error = errno;
    }
    if (error == 0 && (which & FS_SET_MTIME) != 0 &&
        utimensat(AT_FDCWD, proc_name(n), time, 0) != 0) {
        error = errno;
    }
    return error;
}

static int share_read(void *fs, uint64_t number, uint64_t offset, void *to, uint32_t bytes,
                      uint32_t *done)
{
    struct node *n = node_of(fs, number);
    int error = plain_check(n, false);
    ssize_t got;

    error = error == 0 ? file_open(n, false) : error;
    if (error != 0) {
        return error;
    }
    got = offset > INT64_MAX ? 0 : pread(n->file, to, bytes, (off_t)offset);
    if (got < 0) {
        return errno;
    }
    *done = (uint32_t)got;
    return 0;
}

static int share_write(void *fs, uint64_t number, uint64_t offset, const void *from, uint32_t bytes,
                       uint32_t *done)
{
    struct node *n = node_of(fs, number);
    int error = ((struct share *)fs)->read_only ? EROFS
                : offset > INT64_MAX            ? EFBIG
                                                : file_open(n, true);
    ssize_t put;

    if (error != 0) {
        return error;
    }
    put = pwrite(n->file, from, bytes, (off_t)offset);
    if (put < 0) {
        return errno;
    }
    *done = (uint32_t)put;
    return 0;
}

static int share_sync(void *fs, uint64_t number)
{
    struct node *n = node_of(fs, number == 0 ? ROOT : number);
    int error = file_open(n, false);

    if (error != 0) {
        return error;
    }
    return (number == 0 ? syncfs(n->file) : fsync(n->file)) == 0 ? 0 : errno;
}

static int share_readlink(void *fs, uint64_t number, char *to, uint32_t bytes, uint32_t *done)
{
    ssize_t got = readlinkat(node_of(fs, number)->path, "", to, bytes);

    if (got < 0) {
        return errno == ENOENT ? EINVAL : errno; /* it is no link */
    }
    *done = (uint32_t)got;
    return 0;
}

/* ---- folders ---- */

static int folder_open(struct node *n)
{
    int file;

    if (n->folder != NULL) {
        return 0;
    }
    file = open(proc_name(n), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        return errno;
    }
    n->folder = fdopendir(file);
    if (n->folder == NULL) {
        close(file);
        return ENOMEM;
    }
    return 0;
}

/* What kind an entry is, where the host's file system does not say. */
static uint32_t entry_mode(const struct node *n, const struct dirent *d)
{
    struct stat status;

    if (d->d_type != DT_UNKNOWN) {
        return (uint32_t)DTTOIF(d->d_type);
    }
    return fstatat(n->path, d->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mode & S_IFMT
                                                                          : S_IFREG;
}

static int share_readdir(void *fs, uint64_t folder, uint64_t cookie, struct fs_entry *entry)
{
    struct node *n = node_of(fs, folder);
    int error = folder_open(n);
    const struct dirent *d;

    if (error != 0) {
        return error;
    }
    if (cookie == 0) {
        rewinddir(n->folder);
    } else if (cookie != n->cookie) {
        seekdir(n->folder, (long)cookie);
    }
    do {
        errno = 0;
        d = readdir(n->folder);
    } while (d != NULL && !name_legal(d->d_name));
    n->cookie = (uint64_t)telldir(n->folder);
    if (d == NULL) {
        return errno != 0 ? errno : ENOENT;
    }
    *entry = (struct fs_entry){.ino = d->d_ino, .next = n->cookie, .mode = entry_mode(n, d)};
    memcpy(entry->name, d->d_name, strnlen(d->d_name, FS_NAME_MAX));
    return 0;
}

static int share_create(void *fs, uint64_t folder, const char *name, uint32_t mode, uint64_t *number)
{
    struct node *n = node_of(fs, folder);
    int flags = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, file;

    if (((struct share *)fs)->read_only || !name_legal(name)) {
        return name_legal(name) ? EROFS : EINVAL;
    }
    if (S_ISDIR(mode)) {
        if (mkdirat(n->path, name, mode & PERMISSIONS) != 0) {
            return errno;
        }
    } else {
        file = openat(n->path, name, flags, mode & PERMISSIONS);
        if (file < 0) {
            return errno;
        }
        close(file);
    }
    return share_lookup(fs, folder, name, number);
}

static int share_remove(void *fs, uint64_t folder, const char *name, int is_folder)
{
    if (((struct share *)fs)->read_only || !name_legal(name)) {
        return name_legal(name) ? EROFS : EINVAL;
    }
    return unlinkat(node_of(fs, folder)->path, name, is_folder ? AT_REMOVEDIR : 0) == 0 ? 0 : errno;
}

/* A folder that moved has another parent now. */
static void parent_change(struct share *share, uint64_t folder, const char *name)
{
    uint64_t number = 0, before;

    if (share_lookup(share, folder, name, &number) != 0) {
        return; /* somebody on the host was faster */
    }
    before = node_of(share, number)->parent;
    if (before != 0 && before != folder) {
        node_of(share, folder)->refs++;
        node_of(share, number)->parent = (uint32_t)folder;
        share_forget(share, before);
    }
    share_forget(share, number);
}

static int share_rename(void *fs, uint64_t from, const char *name, uint64_t to, const char *new_name)
{
    if (((struct share *)fs)->read_only || !name_legal(name) || !name_legal(new_name)) {
        return name_legal(name) && name_legal(new_name) ? EROFS : EINVAL;
    }
    if (renameat(node_of(fs, from)->path, name, node_of(fs, to)->path, new_name) != 0) {
        return errno;
    }
    parent_change(fs, to, new_name);
    return 0;
}

static int share_space(void *fs, struct fs_space *space)
{
    struct statfs status;

    if (fstatfs(node_of(fs, ROOT)->path, &status) != 0) {
        return errno;
    }
    *space = (struct fs_space){.block_bytes = (uint64_t)status.f_bsize,
                               .blocks = status.f_blocks,
                               .free = status.f_bavail,
                               .files = status.f_files,
                               .files_free = status.f_ffree,
                               .type = (uint32_t)status.f_type};
    return 0;
}

const struct fs_ops share_ops = {.root = share_root,
                                 .lookup = share_lookup,
                                 .forget = share_forget,
                                 .getattr = share_getattr,
                                 .setattr = share_setattr,
                                 .read = share_read,
                                 .write = share_write,
                                 .readdir = share_readdir,
                                 .create = share_create,
                                 .remove = share_remove,
                                 .rename = share_rename,
                                 .sync = share_sync,
                                 .space = share_space,
                                 .readlink = share_readlink};
