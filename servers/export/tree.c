/* SPDX-License-Identifier: MIT */
/*
 * Nodes are paths: each lookup makes one, and a rename changes those it concerns. A file is opened when it is
 * first read or written, and stays open with its node, or until too many are; one that is removed
 * while clients hold it is opened before that, so that it lives on for them.
 *
 * File numbers of different file systems can be the same; for clients a hash of the mount's path goes into
 * their upper half.
 */
#include "tree.h"
#include "lib/path.h"
#include "lib/vfs.h"
#include <stdlib.h>
#include <string.h>

#define NO_FILE (-1)
#define INO_BITS 40u /* of a file's own number that are kept as they are */
#define MOUNTS 32u

/* A folder being read: cookies count its entries. */
struct folder {
    int file;
    uint64_t given;       /* entries given out so far */
    struct fs_entry last; /* of them */
};

struct node {
    char *path; /* NULL: free */
    uint32_t refs;
    uint32_t next; /* free: the next one; 0: none */
    int file;      /* NO_FILE, or open */
    int writable;  /* the open file is */
    int gone;      /* 1: nothing has this path any more, or something else */
    struct folder *folder;
};

/* Node n is nodes[n - 1]. */
static struct node *nodes;
static uint32_t nodes_made, nodes_used, free_first;
static uint32_t files_open, files_hand;

unsigned tree_nodes(void) { return nodes_used; }

static struct node *node_of(uint64_t number) { return &nodes[number - 1]; }

/* ---- nodes ---- */

static void file_close(struct node *n)
{
    if (n->file == NO_FILE)
        return;
    (void)vfs_close(n->file);
    n->file = NO_FILE;
    files_open--;
}

static void folder_close(struct node *n)
{
    if (n->folder == NULL)
        return;
    (void)vfs_close(n->folder->file);
    free(n->folder);
    n->folder = NULL;
}

static uint32_t number_take(void)
{
    if (nodes == NULL)
        nodes = calloc(TREE_NODES, sizeof *nodes);
    if (nodes == NULL)
        return 0;
    uint32_t number = free_first;
    if (number != 0)
        free_first = node_of(number)->next;
    else if (nodes_made < TREE_NODES)
        number = ++nodes_made;
    return number;
}

static int node_new(const char *path, uint64_t *number)
{
    char *kept = strdup(path);
    uint32_t n = kept == NULL ? 0 : number_take();
    if (n == 0) {
        free(kept);
        return ENFILE;
    }
    *node_of(n) = (struct node){.path = kept, .refs = 1, .file = NO_FILE};
    nodes_used++;
    *number = n;
    return 0;
}

static void tree_forget(void *fs, uint64_t number)
{
    struct node *n = node_of(number);
    (void)fs;
    if (--n->refs > 0)
        return;
    file_close(n);
    folder_close(n);
    free(n->path);
    *n = (struct node){.next = free_first};
    free_first = (uint32_t)number;
    nodes_used--;
}

static int tree_root(void *fs, uint64_t *number)
{
    (void)fs;
    return node_new("/", number);
}

/* The path of a name in a folder. */
static int child_path(uint64_t dir, const char *name, char path[VFS_PATH_MAX])
{
    const struct node *n = node_of(dir);
    if (n->gone)
        return ESTALE;
    return -path_join(n->path, name, path, VFS_PATH_MAX);
}

static int tree_lookup(void *fs, uint64_t dir, const char *name, uint64_t *number)
{
    char path[VFS_PATH_MAX];
    struct fs_attr attr;
    (void)fs;
    int error = 0;
    if (strcmp(name, "..") == 0)
        error = node_of(dir)->gone ? ESTALE
                                   : -path_absolute(node_of(dir)->path, "..", path, VFS_PATH_MAX);
    else
        error = child_path(dir, name, path);
    if (error == 0)
        error = -vfs_stat(path, &attr);
    return error != 0 ? error : node_new(path, number);
}

/* ---- open files ---- */

/* Closes one that can be opened again. Those of removed files cannot. */
static void file_close_one(void)
{
    for (uint32_t tries = 0; tries < nodes_made; tries++) {
        files_hand = files_hand % nodes_made + 1;
        struct node *n = node_of(files_hand);
        if (n->path != NULL && n->file != NO_FILE && !n->gone) {
            file_close(n);
            return;
        }
    }
}

static void file_keep(struct node *n, int file, int writable)
{
    n->file = file;
    n->writable = writable;
    files_open++;
}

/* The node's open file, or a negative error. A file that may not be written can still be read. */
static int file_of(struct node *n, int writes)
{
    if (n->file != NO_FILE && (n->writable || !writes))
        return n->file;
    if (n->gone)
        return -ESTALE;
    file_close(n);
    if (files_open >= TREE_FILES)
        file_close_one();
    int file = vfs_open(n->path, VFS_READ_WRITE, 0);
    int writable = file >= 0;
    if (file < 0 && !writes)
        file = vfs_open(n->path, VFS_READ, 0);
    if (file >= 0)
        file_keep(n, file, writable);
    return file;
}

static int tree_read(void *fs, uint64_t number, uint64_t offset, void *to, uint32_t bytes,
                     uint32_t *done)
{
    (void)fs;
    int file = file_of(node_of(number), 0);
    int64_t n = file < 0 ? file : vfs_pread(file, to, bytes, offset);
    *done = n < 0 ? 0 : (uint32_t)n;
    return n < 0 ? (int)-n : 0;
}

static int tree_write(void *fs, uint64_t number, uint64_t offset, const void *from, uint32_t bytes,
                      uint32_t *done)
{
    (void)fs;
    int file = file_of(node_of(number), 1);
    int64_t n = file < 0 ? file : vfs_pwrite(file, from, bytes, offset);
    *done = n < 0 ? 0 : (uint32_t)n;
    return n < 0 ? (int)-n : 0;
}

static int tree_sync(void *fs, uint64_t number)
{
    (void)fs;
    if (number == 0)
        return -vfs_sync();
    int file = file_of(node_of(number), 0);
    return file < 0 ? -file : -vfs_fsync(file);
}

/* ---- attributes ---- */

/* A hash of the longest mount that holds the path; 0 of the root's. */
static uint64_t mount_mark(const char *path)
{
    static struct vfs_mount mount;
    char longest[VFS_PATH_MAX] = "/";
    uint64_t mark = 0;
    for (unsigned n = 0; n < MOUNTS && vfs_mounts(n, &mount) == 0; n++)
        if (strlen(mount.path) > strlen(longest) && path_below(mount.path, path) != NULL)
            strlcpy(longest, mount.path, sizeof longest);
    for (size_t i = 1; longest[i] != 0; i++)
        mark = (mark ^ (unsigned char)longest[i]) * 0x100000001b3u;
    return mark << INO_BITS;
}

static int tree_getattr(void *fs, uint64_t number, struct fs_attr *attr)
{
    const struct node *n = node_of(number);
    (void)fs;
    if (n->gone && n->file == NO_FILE)
        return ESTALE;
    int status = n->gone ? vfs_fstat(n->file, attr) : vfs_stat(n->path, attr);
    attr->ino ^= mount_mark(n->path);
    return -status;
}

static int tree_setattr(void *fs, uint64_t number, uint32_t which, const struct fs_attr *attr)
{
    const struct node *n = node_of(number);
    (void)fs;
    if (n->gone && n->file == NO_FILE)
        return ESTALE;
    return n->gone ? -vfs_fsetattr(n->file, which, attr) : -vfs_setattr(n->path, which, attr);
}

static int tree_space(void *fs, struct fs_space *space)
{
    (void)fs;
    return -vfs_space("/", space);
}

/* ---- folders ---- */

/* Begins a folder anew. */
static int folder_open(struct node *n)
{
    folder_close(n);
    if (n->gone)
        return ESTALE;
    int file = vfs_open(n->path, VFS_READ, 0);
    if (file < 0)
        return -file;
    n->folder = calloc(1, sizeof *n->folder);
    if (n->folder == NULL) {
        (void)vfs_close(file);
        return ENOMEM;
    }
    n->folder->file = file;
    return 0;
}

static int folder_next(struct folder *f)
{
    int status = vfs_readdir(f->file, &f->last);
    if (status <= 0)
        return status == 0 ? ENOENT : -status;
    f->last.next = ++f->given;
    return 0;
}

/* A cookie is how many entries come before. The one given last may be asked for again. */
static int tree_readdir(void *fs, uint64_t dir, uint64_t cookie, struct fs_entry *entry)
{
    struct node *n = node_of(dir);
    int error = 0;
    (void)fs;
    if (n->folder == NULL || cookie == 0 || cookie + 1 < n->folder->given)
        error = folder_open(n);
    struct folder *f = n->folder;
    if (error != 0 || f == NULL)
        return error;
    while (error == 0 && f->given <= cookie)
        error = folder_next(f);
    if (error == 0)
        *entry = f->last;
    return error;
}

static int tree_create(void *fs, uint64_t dir, const char *name, uint32_t mode, uint64_t *number)
{
    char path[VFS_PATH_MAX];
    (void)fs;
    int error = child_path(dir, name, path);
    if (error != 0)
        return error;
    int file = NO_FILE;
    if (S_ISDIR(mode))
        error = -vfs_mkdir(path, mode & 0777);
    else if ((file = vfs_open(path, VFS_READ_WRITE | VFS_CREATE | VFS_EXCLUSIVE, mode & 0777)) < 0)
        error = -file;
    if (error == 0)
        error = node_new(path, number);
    if (error == 0 && file != NO_FILE)
        file_keep(node_of(*number), file, 1);
    else if (file >= 0)
        (void)vfs_close(file);
    return error;
}

/* A path is about to name nothing, or something else: who holds the file there keeps it open. */
static void path_hold(const char *path)
{
    for (uint32_t i = 1; i <= nodes_made; i++)
        if (node_of(i)->path != NULL && !node_of(i)->gone && strcmp(node_of(i)->path, path) == 0)
            (void)file_of(node_of(i), 0);
}

/* It does now. */
static void path_end(const char *path)
{
    for (uint32_t i = 1; i <= nodes_made; i++)
        if (node_of(i)->path != NULL && strcmp(node_of(i)->path, path) == 0)
            node_of(i)->gone = 1;
}

/* What was at from, and below, is at to. */
static void path_move(const char *from, const char *to)
{
    char path[VFS_PATH_MAX];
    for (uint32_t i = 1; i <= nodes_made; i++) {
        struct node *n = node_of(i);
        const char *below = n->path == NULL || n->gone ? NULL : path_below(from, n->path);
        if (below == NULL)
            continue;
        int error = below[0] == 0 ? 0 : path_join(to, below, path, sizeof path);
        char *moved = error == 0 ? strdup(below[0] == 0 ? to : path) : NULL;
        n->gone = moved == NULL;
        if (moved != NULL) {
            free(n->path);
            n->path = moved;
        }
        folder_close(n);
    }
}

static int tree_remove(void *fs, uint64_t dir, const char *name, int folder)
{
    char path[VFS_PATH_MAX];
    (void)fs;
    int error = child_path(dir, name, path);
    if (error != 0)
        return error;
    if (!folder)
        path_hold(path);
    error = folder ? -vfs_rmdir(path) : -vfs_remove(path);
    if (error == 0)
        path_end(path);
    return error;
}

static int tree_rename(void *fs, uint64_t from, const char *name, uint64_t to, const char *new_name)
{
    char path[VFS_PATH_MAX], new_path[VFS_PATH_MAX];
    (void)fs;
    int error = child_path(from, name, path);
    if (error == 0)
        error = child_path(to, new_name, new_path);
    if (error != 0 || strcmp(path, new_path) == 0)
        return error;
    path_hold(new_path);
    error = -vfs_rename(path, new_path);
    if (error == 0) {
        path_end(new_path);
        path_move(path, new_path);
    }
    return error;
}

const struct fs_ops tree_ops = {
    .root = tree_root,
    .lookup = tree_lookup,
    .forget = tree_forget,
    .getattr = tree_getattr,
    .setattr = tree_setattr,
    .read = tree_read,
    .write = tree_write,
    .readdir = tree_readdir,
    .create = tree_create,
    .remove = tree_remove,
    .rename = tree_rename,
    .sync = tree_sync,
    .space = tree_space,
};
