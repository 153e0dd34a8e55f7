/* SPDX-License-Identifier: MIT */
/*
 * A tree over a cpio archive; see initrd.h. Folders that the archive does not list are made as files
 * in them are met. Of two entries of one name the first counts, and an entry whose path makes no
 * sense ("..", a file used as a folder) is left out. A node's number is its place in the table, and
 * children are kept in the archive's order.
 */
#include "servers/fs/initrd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOT 1u
#define NODES_FIRST 64u
#define NODES_MAX 65536u
#define INITRD_TYPE 0x28cd3d45u /* as Linux's statfs tells cramfs, which is the nearest */
#define BLOCK_BYTES 4096u

static uint32_t child_find(const struct initrd *fs, uint32_t dir, const char *name, size_t bytes)
{
    uint32_t at = fs->node[dir].child;
    while (at != 0 &&
           (fs->node[at].name_bytes != bytes || memcmp(fs->node[at].name, name, bytes) != 0))
        at = fs->node[at].sibling;
    return at;
}

/* A new child; 0: no memory. */
static uint32_t child_add(struct initrd *fs, uint32_t dir, const char *name, size_t bytes)
{
    if (fs->nodes == fs->room) {
        uint32_t room = fs->room == 0 ? NODES_FIRST : fs->room * 2;
        struct initrd_node *bigger =
            room > NODES_MAX ? NULL : realloc(fs->node, room * sizeof *bigger);
        if (bigger == NULL)
            return 0;
        fs->node = bigger;
        fs->room = room;
    }
    uint32_t at = fs->nodes++;
    fs->node[at] = (struct initrd_node){
        .name = name, .name_bytes = bytes, .mode = S_IFDIR | 0555, .parent = dir};
    struct initrd_node *d = &fs->node[dir];
    if (d->last != 0)
        fs->node[d->last].sibling = at;
    else if (at != dir)
        d->child = at;
    d->last = at == dir ? 0 : at;
    return at;
}

/* One step down a path, for an entry of the archive; 0: it makes no sense, or no memory. */
static uint32_t step_make(struct initrd *fs, uint32_t dir, const char *name, size_t bytes)
{
    if (!S_ISDIR(fs->node[dir].mode) || bytes > FS_NAME_MAX ||
        (bytes == 2 && memcmp(name, "..", 2) == 0))
        return 0;
    if (bytes == 1 && name[0] == '.')
        return dir;
    uint32_t at = child_find(fs, dir, name, bytes);
    return at != 0 ? at : child_add(fs, dir, name, bytes);
}

static void entry_add(struct initrd *fs, const struct cpio_file *file)
{
    const char *path = file->name;
    uint32_t at = ROOT, before = fs->nodes;
    uint32_t kind = file->mode & S_IFMT;
    if (kind != S_IFDIR && kind != S_IFREG)
        return; /* links and devices are no use here */
    while (at != 0 && *(path += strspn(path, "/")) != 0) {
        size_t bytes = strcspn(path, "/");
        at = step_make(fs, at, path, bytes);
        path += bytes;
    }
    if (at < before && at != ROOT) /* it is there already, or makes no sense */
        return;
    if (at == 0 || (at == ROOT && kind != S_IFDIR))
        return;
    fs->node[at].mode = kind | (file->mode & 0777);
    fs->node[at].data = file->data;
    fs->node[at].bytes = kind == S_IFDIR ? 0 : file->bytes;
}

int initrd_start(struct initrd *fs, const void *archive, uint64_t bytes, const char **wrong)
{
    struct cpio entries;
    struct cpio_file file;
    *fs = (struct initrd){.archive = archive, .archive_bytes = bytes};
    fs->nodes = 1;
    fs->room = NODES_FIRST;
    fs->node = calloc(fs->room, sizeof *fs->node);
    if (fs->node == NULL)
        return ENOMEM;
    (void)child_add(fs, ROOT, "", 0); /* its own parent */
    cpio_open(&entries, archive, bytes);
    while (cpio_next(&entries, &file))
        entry_add(fs, &file);
    *wrong = entries.wrong;
    fs->archive_bytes = entries.at;
    return 0;
}

void initrd_end(struct initrd *fs) { free(fs->node); }

int initrd_file(const struct initrd *fs, const char *path, struct initrd_node *file)
{
    uint32_t at = ROOT;
    while (at != 0 && *(path += strspn(path, "/")) != 0) {
        size_t bytes = strcspn(path, "/");
        at = child_find(fs, at, path, bytes);
        path += bytes;
    }
    if (at == 0)
        return ENOENT;
    *file = fs->node[at];
    return S_ISDIR(file->mode) ? EISDIR : 0;
}

/* ---- the file system's functions ---- */

static int initrd_root(void *fs, uint64_t *node)
{
    (void)fs;
    *node = ROOT;
    return 0;
}

static int initrd_lookup(void *fs, uint64_t dir, const char *name, uint64_t *node)
{
    const struct initrd *f = fs;
    if (!S_ISDIR(f->node[dir].mode))
        return ENOTDIR;
    *node = strcmp(name, "..") == 0 ? f->node[dir].parent
                                    : child_find(f, (uint32_t)dir, name, strlen(name));
    return *node == 0 ? ENOENT : 0;
}

static void initrd_forget(void *fs, uint64_t node)
{
    (void)fs;
    (void)node;
}

static int initrd_getattr(void *fs, uint64_t node, struct fs_attr *attr)
{
    const struct initrd_node *n = &((const struct initrd *)fs)->node[node];
    *attr = (struct fs_attr){.ino = node,
                             .mode = n->mode,
                             .nlink = S_ISDIR(n->mode) ? 2 : 1,
                             .size = n->bytes,
                             .blocks = (n->bytes + 511) / 512};
    return 0;
}

static int initrd_read(void *fs, uint64_t node, uint64_t offset, void *to, uint32_t bytes,
                       uint32_t *done)
{
    const struct initrd_node *n = &((const struct initrd *)fs)->node[node];
    if (S_ISDIR(n->mode))
        return EISDIR;
    uint64_t left = offset < n->bytes ? n->bytes - offset : 0;
    *done = left < bytes ? (uint32_t)left : bytes;
    if (*done > 0)
        memcpy(to, n->data + offset, *done);
    return 0;
}

/* A cookie is the number of the entry that was given. */
static int initrd_readdir(void *fs, uint64_t dir, uint64_t cookie, struct fs_entry *entry)
{
    const struct initrd *f = fs;
    if (!S_ISDIR(f->node[dir].mode))
        return ENOTDIR;
    uint32_t at = f->node[dir].child;
    if (cookie != 0)
        at = cookie < f->nodes && f->node[cookie].parent == dir ? f->node[cookie].sibling : 0;
    if (at == 0)
        return ENOENT;
    const struct initrd_node *n = &f->node[at];
    entry->ino = entry->next = at;
    entry->mode = n->mode;
    memcpy(entry->name, n->name, n->name_bytes);
    entry->name[n->name_bytes] = 0;
    return 0;
}

static int initrd_setattr(void *fs, uint64_t node, uint32_t which, const struct fs_attr *attr)
{
    (void)fs;
    (void)node;
    (void)which;
    (void)attr;
    return EROFS;
}

static int initrd_write(void *fs, uint64_t node, uint64_t offset, const void *from, uint32_t bytes,
                        uint32_t *done)
{
    (void)fs;
    (void)node;
    (void)offset;
    (void)from;
    (void)bytes;
    (void)done;
    return EROFS;
}

static int initrd_create(void *fs, uint64_t dir, const char *name, uint32_t mode, uint64_t *node)
{
    (void)mode;
    int error = initrd_lookup(fs, dir, name, node);
    return error == 0 ? EEXIST : error == ENOENT ? EROFS : error;
}

static int initrd_remove(void *fs, uint64_t dir, const char *name, int folder)
{
    uint64_t node;
    (void)folder;
    int error = initrd_lookup(fs, dir, name, &node);
    return error == 0 ? EROFS : error;
}

static int initrd_rename(void *fs, uint64_t from, const char *name, uint64_t to,
                         const char *new_name)
{
    (void)to;
    (void)new_name;
    return initrd_remove(fs, from, name, 0);
}

static int initrd_sync(void *fs, uint64_t node)
{
    (void)fs;
    (void)node;
    return 0;
}

static int initrd_space(void *fs, struct fs_space *space)
{
    const struct initrd *f = fs;
    *space = (struct fs_space){.block_bytes = BLOCK_BYTES, .type = INITRD_TYPE};
    space->blocks = (f->archive_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    space->files = f->nodes - 1;
    return 0;
}

const struct fs_ops initrd_ops = {
    .root = initrd_root,
    .lookup = initrd_lookup,
    .forget = initrd_forget,
    .getattr = initrd_getattr,
    .setattr = initrd_setattr,
    .read = initrd_read,
    .write = initrd_write,
    .readdir = initrd_readdir,
    .create = initrd_create,
    .remove = initrd_remove,
    .rename = initrd_rename,
    .sync = initrd_sync,
    .space = initrd_space,
};
