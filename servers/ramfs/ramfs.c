/* SPDX-License-Identifier: MIT */
/*
 * Nodes, folders and the file system's functions; see ramfs.h. A file's pages are in pages.c.
 *
 * A node lives while it has a name or somebody holds it. A folder's entries are a list in the order
 * they were made, and a hash table by name. An entry's number only ever grows, so it serves as the
 * cookie of readdir: what stays is seen once, whatever else comes and goes.
 */
#include "servers/ramfs/ramfs.h"
#include "servers/ramfs/node.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 8u
#define RAMFS_TYPE 0x858458f6u /* as Linux's statfs tells ramfs */
#define BLOCK_BYTES 4096u

struct entry {
    char *name;
    struct ramfs_node *node;
    uint64_t number;
    struct entry *next, *prev; /* in the folder's order */
    struct entry *chain;       /* in its bucket */
};

/* ---- counted memory ---- */

void *ramfs_take(struct ramfs *fs, size_t bytes)
{
    void *p = fs->limit - fs->used >= bytes + RAMFS_BLOCK_COST ? calloc(1, bytes) : NULL;
    if (p != NULL)
        fs->used += bytes + RAMFS_BLOCK_COST;
    return p;
}

void ramfs_give(struct ramfs *fs, void *p, size_t bytes)
{
    if (p != NULL)
        fs->used -= bytes + RAMFS_BLOCK_COST;
    free(p);
}

/* ---- nodes ---- */

static struct ramfs_node *node_of(uint64_t number)
{
    return (struct ramfs_node *)(uintptr_t)number;
}

static uint64_t number_of(struct ramfs_node *node)
{
    node->refs++;
    return (uintptr_t)node;
}

static int is_folder(const struct ramfs_node *node) { return S_ISDIR(node->mode); }

static struct ramfs_node *node_new(struct ramfs *fs, uint32_t mode)
{
    struct ramfs_node *node = ramfs_take(fs, sizeof *node);
    if (node == NULL)
        return NULL;
    node->ino = ++fs->ino_last;
    node->mode = mode;
    node->mtime = fs->time();
    node->nlink = S_ISDIR(mode) ? 2 : 1;
    fs->files++;
    return node;
}

static void node_drop(struct ramfs *fs, struct ramfs_node *node)
{
    if (node->nlink > 0 || node->refs > 0)
        return;
    pages_cut(fs, node, 0);
    ramfs_give(fs, node->bucket, node->buckets * sizeof(struct entry *));
    ramfs_give(fs, node, sizeof *node);
    fs->files--;
}

/* ---- entries of a folder ---- */

static uint64_t hash(const char *name)
{
    uint64_t h = 14695981039346656037u;
    for (; *name != 0; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h ^ h >> 32;
}

static struct entry **entry_place(const struct ramfs_node *dir, const char *name)
{
    struct entry **at = &dir->bucket[hash(name) % dir->buckets];
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->chain;
    return at;
}

static struct entry *entry_find(const struct ramfs_node *dir, const char *name)
{
    return dir->buckets == 0 ? NULL : *entry_place(dir, name);
}

/* Makes room for one more entry in the folder's table. */
static int buckets_grow(struct ramfs *fs, struct ramfs_node *dir)
{
    if (dir->entries < dir->buckets)
        return 0;
    uint64_t buckets = dir->buckets == 0 ? BUCKETS_FIRST : dir->buckets * 2;
    struct entry **bucket = ramfs_take(fs, buckets * sizeof(struct entry *));
    if (bucket == NULL)
        return ENOSPC;
    ramfs_give(fs, dir->bucket, dir->buckets * sizeof(struct entry *));
    dir->bucket = bucket;
    dir->buckets = buckets;
    for (struct entry *e = dir->first; e != NULL; e = e->next) {
        struct entry **at = entry_place(dir, e->name);
        e->chain = NULL;
        *at = e;
    }
    return 0;
}

static int entry_add(struct ramfs *fs, struct ramfs_node *dir, const char *name,
                     struct ramfs_node *node)
{
    size_t bytes = strlen(name) + 1;
    if (buckets_grow(fs, dir) != 0)
        return ENOSPC;
    struct entry *e = ramfs_take(fs, sizeof *e);
    char *kept = e == NULL ? NULL : ramfs_take(fs, bytes);
    if (kept == NULL) {
        ramfs_give(fs, e, sizeof *e);
        return ENOSPC;
    }
    memcpy(kept, name, bytes);
    *e = (struct entry){kept, node, ++dir->number_last, NULL, dir->last, NULL};
    *(dir->last == NULL ? &dir->first : &dir->last->next) = e;
    dir->last = e;
    *entry_place(dir, name) = e;
    dir->entries++;
    dir->mtime = fs->time();
    if (is_folder(node)) {
        dir->nlink++;
        node->parent = dir;
    }
    return 0;
}

/* Takes the name away; the node stays as it is. */
static void entry_remove(struct ramfs *fs, struct ramfs_node *dir, struct entry *e)
{
    *entry_place(dir, e->name) = e->chain;
    *(e->prev == NULL ? &dir->first : &e->prev->next) = e->next;
    *(e->next == NULL ? &dir->last : &e->next->prev) = e->prev;
    if (dir->scan == e)
        dir->scan = NULL;
    dir->entries--;
    dir->mtime = fs->time();
    dir->nlink -= is_folder(e->node) ? 1 : 0;
    ramfs_give(fs, e->name, strlen(e->name) + 1);
    ramfs_give(fs, e, sizeof *e);
}

/* Takes a file's only name, and the file unless it is held. */
static void entry_end(struct ramfs *fs, struct ramfs_node *dir, struct entry *e)
{
    struct ramfs_node *node = e->node;
    entry_remove(fs, dir, e);
    node->nlink = 0;
    node->parent = NULL;
    node_drop(fs, node);
}

/* A folder that can get and lose entries; a removed one cannot. */
static int folder_check(const struct ramfs_node *dir)
{
    if (!is_folder(dir))
        return ENOTDIR;
    return dir->nlink == 0 ? ENOENT : 0;
}

/* ---- the file system's functions ---- */

static int ramfs_root(void *fs, uint64_t *node)
{
    *node = number_of(((struct ramfs *)fs)->root);
    return 0;
}

static int ramfs_lookup(void *fs, uint64_t dir, const char *name, uint64_t *node)
{
    struct ramfs_node *d = node_of(dir);
    struct entry *e;
    (void)fs;
    int error = folder_check(d);
    if (error != 0)
        return error;
    if (strcmp(name, "..") == 0) {
        *node = number_of(d->parent);
        return 0;
    }
    e = entry_find(d, name);
    if (e == NULL)
        return ENOENT;
    *node = number_of(e->node);
    return 0;
}

static void ramfs_forget(void *fs, uint64_t node)
{
    node_of(node)->refs--;
    node_drop(fs, node_of(node));
}

static int ramfs_getattr(void *fs, uint64_t node, struct fs_attr *attr)
{
    const struct ramfs_node *n = node_of(node);
    (void)fs;
    *attr = (struct fs_attr){.ino = n->ino,
                             .mode = n->mode,
                             .nlink = n->nlink,
                             .size = n->size,
                             .mtime = n->mtime,
                             .blocks = n->pages * (PAGES_BYTES / 512)};
    return 0;
}

static int ramfs_setattr(void *fs, uint64_t node, uint32_t which, const struct fs_attr *attr)
{
    struct ramfs *f = fs;
    struct ramfs_node *n = node_of(node);
    if ((which & FS_SET_SIZE) != 0) {
        if (is_folder(n))
            return EISDIR;
        if (attr->size > PAGES_SIZE_MAX)
            return EFBIG;
        pages_cut(f, n, attr->size);
        n->size = attr->size;
        n->mtime = f->time();
    }
    if ((which & FS_SET_MODE) != 0)
        n->mode = (n->mode & S_IFMT) | (attr->mode & 0777);
    if ((which & FS_SET_MTIME) != 0)
        n->mtime = attr->mtime == FS_TIME_NOW ? f->time() : attr->mtime;
    return 0;
}

static int ramfs_read(void *fs, uint64_t node, uint64_t offset, void *to, uint32_t bytes,
                      uint32_t *done)
{
    const struct ramfs_node *n = node_of(node);
    (void)fs;
    if (is_folder(n))
        return EISDIR;
    uint64_t left = offset < n->size ? n->size - offset : 0;
    *done = left < bytes ? (uint32_t)left : bytes;
    pages_read(n, offset, to, *done);
    return 0;
}

static int ramfs_write(void *fs, uint64_t node, uint64_t offset, const void *from, uint32_t bytes,
                       uint32_t *done)
{
    struct ramfs *f = fs;
    struct ramfs_node *n = node_of(node);
    if (is_folder(n))
        return EISDIR;
    if (offset > PAGES_SIZE_MAX || bytes > PAGES_SIZE_MAX - offset)
        return EFBIG;
    *done = pages_write(f, n, offset, from, bytes);
    if (*done > 0) {
        n->mtime = f->time();
        n->size = offset + *done > n->size ? offset + *done : n->size;
    }
    return *done == 0 && bytes > 0 ? ENOSPC : 0;
}

/* The first entry behind the one with this number. */
static struct entry *entry_after(const struct ramfs_node *dir, uint64_t number)
{
    struct entry *e = dir->first;
    if (dir->scan != NULL && dir->scan->number <= number)
        e = dir->scan;
    while (e != NULL && e->number <= number)
        e = e->next;
    return e;
}

static int ramfs_readdir(void *fs, uint64_t dir, uint64_t cookie, struct fs_entry *entry)
{
    struct ramfs_node *d = node_of(dir);
    (void)fs;
    if (!is_folder(d))
        return ENOTDIR;
    struct entry *e = entry_after(d, cookie);
    if (e == NULL)
        return ENOENT;
    d->scan = e;
    entry->ino = e->node->ino;
    entry->next = e->number;
    entry->mode = e->node->mode;
    strlcpy(entry->name, e->name, sizeof entry->name);
    return 0;
}

static int ramfs_create(void *fs, uint64_t dir, const char *name, uint32_t mode, uint64_t *node)
{
    struct ramfs_node *d = node_of(dir);
    int error = folder_check(d);
    if (error != 0)
        return error;
    if (entry_find(d, name) != NULL)
        return EEXIST;
    struct ramfs_node *n = node_new(fs, mode);
    if (n == NULL)
        return ENOSPC;
    error = entry_add(fs, d, name, n);
    if (error != 0) {
        n->nlink = 0;
        node_drop(fs, n);
        return error;
    }
    *node = number_of(n);
    return 0;
}

static int ramfs_remove(void *fs, uint64_t dir, const char *name, int folder)
{
    struct ramfs_node *d = node_of(dir);
    int error = folder_check(d);
    if (error != 0)
        return error;
    struct entry *e = entry_find(d, name);
    if (e == NULL)
        return ENOENT;
    if (is_folder(e->node) != (folder != 0))
        return folder ? ENOTDIR : EISDIR;
    if (e->node->entries > 0)
        return ENOTEMPTY;
    entry_end(fs, d, e);
    return 0;
}

static int is_below(const struct ramfs_node *node, const struct ramfs_node *above)
{
    while (node != above && node->parent != node)
        node = node->parent;
    return node == above;
}

/* Whether moved may take the place of what the new name stands for. */
static int replace_check(const struct ramfs_node *moved, const struct entry *old)
{
    if (old == NULL)
        return 0;
    if (is_folder(old->node) && !is_folder(moved))
        return EISDIR;
    if (!is_folder(old->node) && is_folder(moved))
        return ENOTDIR;
    return old->node->entries > 0 ? ENOTEMPTY : 0;
}

static int ramfs_rename(void *fs, uint64_t from, const char *name, uint64_t to, const char *new_name)
{
    struct ramfs_node *d = node_of(from), *target = node_of(to);
    int error = folder_check(d) != 0 ? folder_check(d) : folder_check(target);
    if (error != 0)
        return error;
    struct entry *e = entry_find(d, name);
    if (e == NULL)
        return ENOENT;
    struct ramfs_node *moved = e->node;
    struct entry *old = entry_find(target, new_name);
    if (old == e)
        return 0;
    if (is_folder(moved) && is_below(target, moved))
        return EINVAL;
    error = replace_check(moved, old);
    if (error != 0)
        return error;
    if (old != NULL) { /* the entry stays, and stands for the moved file */
        struct ramfs_node *gone = old->node;
        old->node = moved;
        gone->nlink = 0;
        gone->parent = NULL;
        node_drop(fs, gone);
        target->mtime = ((struct ramfs *)fs)->time();
    } else if (entry_add(fs, target, new_name, moved) != 0) {
        return ENOSPC;
    }
    if (is_folder(moved))
        moved->parent = target;
    entry_remove(fs, d, e);
    return 0;
}

static int ramfs_sync(void *fs, uint64_t node)
{
    (void)fs;
    (void)node;
    return 0;
}

static int ramfs_space(void *fs, struct fs_space *space)
{
    const struct ramfs *f = fs;
    space->block_bytes = BLOCK_BYTES;
    space->blocks = f->limit / BLOCK_BYTES;
    space->free = (f->limit - f->used) / BLOCK_BYTES;
    space->files = space->files_free = 0;
    space->type = RAMFS_TYPE;
    return 0;
}

const struct fs_ops ramfs_ops = {
    .root = ramfs_root,
    .lookup = ramfs_lookup,
    .forget = ramfs_forget,
    .getattr = ramfs_getattr,
    .setattr = ramfs_setattr,
    .read = ramfs_read,
    .write = ramfs_write,
    .readdir = ramfs_readdir,
    .create = ramfs_create,
    .remove = ramfs_remove,
    .rename = ramfs_rename,
    .sync = ramfs_sync,
    .space = ramfs_space,
};

int ramfs_start(struct ramfs *fs, uint64_t limit, uint64_t (*time)(void))
{
    *fs = (struct ramfs){.limit = limit, .time = time};
    fs->root = node_new(fs, S_IFDIR | 0755);
    if (fs->root == NULL)
        return ENOSPC;
    fs->root->parent = fs->root;
    return 0;
}

/* A folder at or below dir whose first entry has nothing below it. */
static struct ramfs_node *deepest(struct ramfs_node *dir)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was first is off the list before it is freed */
    while (dir->first != NULL && dir->first->node->entries > 0)
        dir = dir->first->node;
    return dir;
}

void ramfs_end(struct ramfs *fs)
{
    struct ramfs_node *root = fs->root;
    fs->root = NULL;
    while (root->entries > 0) {
        struct ramfs_node *dir = deepest(root);
        entry_end(fs, dir, dir->first);
    }
    root->nlink = 0;
    node_drop(fs, root);
}
