/* SPDX-License-Identifier: MIT */
/*
 * ext2 as struct fs_ops. Checks come first, then the changes in an order that leaves something
 * e2fsck can repair without loss wherever a crash cuts it: a new file's inode before its name, a
 * rename's new name before the old one goes.
 */
#include "servers/ext2/ext2.h"
#include <errno.h>
#include <string.h>

#define PERMISSIONS 07777u

/* The node of a number that a client holds. */
static int held(struct ext2 *fs, uint64_t number, struct node **node)
{
    *node = node_find(fs, number);
    return *node == NULL ? EBADF : 0;
}

static int held_folder(struct ext2 *fs, uint64_t number, struct node **node)
{
    int error = held(fs, number, node);
    if (error == 0 && !S_ISDIR((*node)->mode))
        return ENOTDIR;
    return error;
}

static int op_root(void *context, uint64_t *node)
{
    struct node *root;
    int error = node_get(context, INODE_ROOT, &root);
    *node = INODE_ROOT;
    return error;
}

static int op_lookup(void *context, uint64_t dir, const char *name, uint64_t *node)
{
    struct ext2 *fs = context;
    struct node *folder, *found;
    struct entry entry;
    int error = held_folder(fs, dir, &folder);
    if (error == 0)
        error = folder_find(fs, folder, name, &entry);
    if (error == 0)
        error = node_get(fs, entry.inode, &found);
    if (error != 0)
        return error;
    *node = found->number;
    return 0;
}

static void op_forget(void *context, uint64_t number)
{
    struct node *node = node_find(context, number);
    if (node != NULL)
        node_put(context, node);
}

static int op_getattr(void *context, uint64_t number, struct fs_attr *attr)
{
    struct node *node;
    int error = held(context, number, &node);
    if (error != 0)
        return error;
    *attr = (struct fs_attr){.ino = number,
                             .mode = node->mode,
                             .nlink = node->links,
                             .size = node->size,
                             .mtime = node->mtime,
                             .blocks = node->sectors};
    return 0;
}

/* A node whose content or attributes are about to change. */
static int held_changing(struct ext2 *fs, uint64_t number, struct node **node)
{
    int error = held(fs, number, node);
    if (error != 0)
        return error;
    if ((*node)->flags & (FLAG_IMMUTABLE | FLAG_APPEND))
        return EPERM;
    return ext2_modify(fs);
}

static int op_setattr(void *context, uint64_t number, uint32_t which, const struct fs_attr *attr)
{
    struct ext2 *fs = context;
    struct node *node;
    int error = held_changing(fs, number, &node);
    if (error == 0 && which & FS_SET_SIZE && !S_ISREG(node->mode))
        error = S_ISDIR(node->mode) ? EISDIR : EINVAL;
    if (error == 0 && which & FS_SET_SIZE)
        error = data_resize(fs, node, attr->size);
    if (error != 0)
        return error;
    if (which & FS_SET_MODE)
        node->mode = (node->mode & S_IFMT) | (attr->mode & PERMISSIONS);
    if (which & FS_SET_MTIME)
        node->mtime = attr->mtime < UINT32_MAX ? (uint32_t)attr->mtime : UINT32_MAX;
    node->ctime = ext2_now(fs);
    return node_store(fs, node);
}

static int op_read(void *context, uint64_t number, uint64_t offset, void *to, uint32_t bytes,
                   uint32_t *done)
{
    struct node *node;
    int error = held(context, number, &node);
    if (error == 0 && !S_ISREG(node->mode))
        error = S_ISDIR(node->mode) ? EISDIR : EINVAL;
    return error != 0 ? error : data_read(context, node, offset, to, bytes, done);
}

static int op_write(void *context, uint64_t number, uint64_t offset, const void *from,
                    uint32_t bytes, uint32_t *done)
{
    struct node *node;
    int error = held_changing(context, number, &node);
    if (error == 0 && !S_ISREG(node->mode))
        error = S_ISDIR(node->mode) ? EISDIR : EINVAL;
    return error != 0 ? error : data_write(context, node, offset, from, bytes, done);
}

/* The kind of what an entry names, where the entry does not say. */
static uint32_t entry_mode(struct ext2 *fs, const struct entry *entry)
{
    static const uint32_t mode[] = {0,       S_IFREG, S_IFDIR, 0020000,
                                    0060000, 0010000, 0140000, S_IFLNK};
    struct node *node;
    if (entry->kind > KIND_UNKNOWN && entry->kind <= KIND_LINK)
        return mode[entry->kind];
    if (node_get(fs, entry->inode, &node) != 0)
        return S_IFREG;
    uint32_t result = node->mode;
    node_put(fs, node);
    return result;
}

static int op_readdir(void *context, uint64_t dir, uint64_t cookie, struct fs_entry *result)
{
    struct ext2 *fs = context;
    struct node *folder;
    struct entry entry = {.next = cookie};
    int error = held_folder(fs, dir, &folder);
    do
        error = error != 0 ? error : folder_next(fs, folder, entry.next, &entry);
    while (error == 0 && (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0));
    if (error != 0)
        return error;
    result->ino = entry.inode;
    result->next = entry.next;
    result->mode = entry_mode(fs, &entry);
    memcpy(result->name, entry.name, sizeof result->name);
    return 0;
}

/* ---- names ---- */

/* A folder that is to get or lose a name. */
static int folder_changing(struct ext2 *fs, uint64_t dir, const char *name, struct node **folder)
{
    int error = held_folder(fs, dir, folder);
    if (error != 0)
        return error;
    if (name[0] == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        strchr(name, '/') != NULL)
        return EINVAL;
    if ((*folder)->links == 0)
        return ENOENT;
    return held_changing(fs, dir, folder);
}

/* What a new name needs: it is not taken, and the folder can have it. */
static int name_is_free(struct ext2 *fs, struct node *folder, const char *name)
{
    struct entry entry;
    int error = folder_find(fs, folder, name, &entry);
    if (error == 0)
        return EEXIST;
    return error == ENOENT ? 0 : error;
}

/* Gives the new node its name, or takes it back. Its user is the caller's. */
static int node_name(struct ext2 *fs, struct node *folder, const char *name, struct node *node)
{
    int error = 0, is_folder = S_ISDIR(node->mode);
    if (is_folder) {
        node->links = 2;
        error = folder_begin(fs, node, folder->number);
    }
    if (error == 0)
        error = folder_add(fs, folder, name, node);
    if (error == 0 && is_folder) {
        folder->links++;
        error = node_store(fs, folder);
    }
    if (error != 0) {
        node->links = 0;
        node_put(fs, node);
    }
    return error;
}

static int op_create(void *context, uint64_t dir, const char *name, uint32_t mode, uint64_t *number)
{
    struct ext2 *fs = context;
    struct node *folder, *node;
    int error = folder_changing(fs, dir, name, &folder);
    if (error == 0 && !S_ISDIR(mode) && !S_ISREG(mode))
        error = EINVAL;
    if (error == 0)
        error = name_is_free(fs, folder, name);
    if (error == 0 && S_ISDIR(mode) && folder->links >= LINKS_MAX)
        error = EMLINK;
    if (error == 0)
        error = node_create(fs, folder->number, mode & (S_IFMT | PERMISSIONS), &node);
    if (error == 0)
        error = node_name(fs, folder, name, node);
    if (error != 0)
        return error;
    *number = node->number;
    return 0;
}

static int op_symlink(void *context, uint64_t dir, const char *name, const char *target,
                      uint64_t *number)
{
    struct ext2 *fs = context;
    struct node *folder, *node;
    uint32_t bytes = (uint32_t)strnlen(target, fs->block_bytes), done = 0;
    int error = folder_changing(fs, dir, name, &folder);
    if (error == 0 && (bytes == 0 || bytes == fs->block_bytes))
        error = bytes == 0 ? ENOENT : ENAMETOOLONG;
    if (error == 0)
        error = name_is_free(fs, folder, name);
    if (error == 0)
        error = node_create(fs, folder->number, S_IFLNK | 0777, &node);
    if (error != 0)
        return error;
    if (bytes < sizeof node->block) {
        memcpy(node->block, target, bytes);
        node->size = bytes;
        error = node_store(fs, node);
    } else {
        error = data_write(fs, node, 0, target, bytes, &done);
    }
    if (error == 0)
        error = node_name(fs, folder, name, node);
    else {
        node->links = 0;
        node_put(fs, node);
    }
    *number = error == 0 ? node->number : 0;
    return error;
}

static int op_readlink(void *context, uint64_t number, char *to, uint32_t bytes, uint32_t *done)
{
    struct node *node;
    int error = held(context, number, &node);
    if (error != 0)
        return error;
    if ((node->mode & S_IFMT) != S_IFLNK)
        return EINVAL;
    if (node_has_blocks(context, node))
        return data_read(context, node, 0, to, bytes, done);
    uint32_t have = node->size < sizeof node->block ? (uint32_t)node->size : sizeof node->block;
    *done = have < bytes ? have : bytes;
    memcpy(to, node->block, *done);
    return 0;
}

static int op_link(void *context, uint64_t dir, const char *name, uint64_t number)
{
    struct ext2 *fs = context;
    struct node *folder, *node;
    int error = folder_changing(fs, dir, name, &folder);
    if (error == 0)
        error = held_changing(fs, number, &node);
    if (error == 0 && S_ISDIR(node->mode))
        error = EPERM;
    if (error == 0 && (node->links == 0 || node->links >= LINKS_MAX))
        error = node->links == 0 ? ENOENT : EMLINK;
    if (error == 0)
        error = name_is_free(fs, folder, name);
    if (error != 0)
        return error;
    node->links++;
    node->ctime = ext2_now(fs);
    error = node_store(fs, node);
    if (error == 0)
        error = folder_add(fs, folder, name, node);
    if (error != 0) {
        node->links--;
        (void)node_store(fs, node);
    }
    return error;
}

/* One name less; a folder that goes takes its own and its parent's mark with it. */
static int node_unlink(struct ext2 *fs, struct node *folder, struct node *node)
{
    int error = 0;
    if (S_ISDIR(node->mode)) {
        node->links = 0;
        folder->links -= folder->links > 2;
        error = node_store(fs, folder);
    } else {
        node->links--;
    }
    node->ctime = ext2_now(fs);
    int stored = node_store(fs, node);
    return error != 0 ? error : stored;
}

/* Whether node may lose its name as the caller thinks of it. */
static int removable(struct ext2 *fs, struct node *node, int folder)
{
    if (node->flags & (FLAG_IMMUTABLE | FLAG_APPEND))
        return EPERM;
    if (!S_ISDIR(node->mode))
        return folder ? ENOTDIR : 0;
    if (!folder)
        return EISDIR;
    return node->number == INODE_ROOT ? EBUSY : folder_empty(fs, node);
}

static int op_remove(void *context, uint64_t dir, const char *name, int is_folder)
{
    struct ext2 *fs = context;
    struct node *folder, *node;
    struct entry entry;
    int error = folder_changing(fs, dir, name, &folder);
    if (error == 0)
        error = folder_find(fs, folder, name, &entry);
    if (error == 0)
        error = node_get(fs, entry.inode, &node);
    if (error != 0)
        return error;
    error = removable(fs, node, is_folder);
    if (error == 0)
        error = folder_remove(fs, folder, &entry);
    if (error == 0)
        error = node_unlink(fs, folder, node);
    node_put(fs, node);
    return error;
}

/* ---- renaming ---- */

/* Whether folder is or lies below node. */
static int is_below(struct ext2 *fs, struct node *folder, const struct node *node, int *below)
{
    struct entry up;
    uint32_t number = folder->number;
    *below = 0;
    for (uint32_t depth = 0; depth < fs->inodes; depth++) {
        struct node *at;
        if (number == node->number)
            *below = 1;
        if (*below || number == INODE_ROOT)
            return 0;
        int error = node_get(fs, number, &at);
        if (error != 0)
            return error;
        error = S_ISDIR(at->mode) ? folder_find(fs, at, "..", &up) : EUCLEAN;
        node_put(fs, at);
        if (error != 0)
            return error == ENOENT ? ext2_damaged(fs, 0, "no \"..\" in folder", number) : error;
        number = up.inode;
    }
    return ext2_damaged(fs, 0, "folders that hold each other", node->number);
}

/* The moved folder's ".." and the marks of its parents. */
static int folder_moved(struct ext2 *fs, struct node *node, struct node *from, struct node *to)
{
    struct entry up;
    int error = folder_find(fs, node, "..", &up);
    if (error == 0)
        error = folder_replace(fs, node, &up, to);
    if (error != 0)
        return error;
    to->links++;
    from->links -= from->links > 2;
    error = node_store(fs, to);
    return error != 0 ? error : node_store(fs, from);
}

/* node gets the name in the folder to, in place of old unless that is NULL. */
static int name_move(struct ext2 *fs, struct node *to, const char *name, struct node *node,
                     struct node *old)
{
    struct entry entry;
    if (old == NULL)
        return folder_add(fs, to, name, node);
    int error = folder_find(fs, to, name, &entry);
    if (error == 0)
        error = folder_replace(fs, to, &entry, node);
    return error != 0 ? error : node_unlink(fs, to, old);
}

/* What can be said against it before anything changes. */
static int rename_check(struct ext2 *fs, struct node *node, struct node *from, struct node *to,
                        struct node *old)
{
    int below = 0, error = 0;
    if (node->flags & (FLAG_IMMUTABLE | FLAG_APPEND))
        return EPERM;
    if (S_ISDIR(node->mode)) {
        error = is_below(fs, to, node, &below);
        if (error == 0 && below)
            error = EINVAL;
        if (error == 0 && from != to && old == NULL && to->links >= LINKS_MAX)
            error = EMLINK;
    }
    if (error == 0 && old != NULL)
        error = removable(fs, old, S_ISDIR(node->mode));
    return error;
}

/* Both names are looked up and the nodes counted; old is NULL when the new name is free. */
static int rename_nodes(struct ext2 *fs, struct node *from, const char *name, struct node *to,
                        const char *new_name, struct node *old)
{
    struct entry entry;
    struct node *node;
    int error = folder_find(fs, from, name, &entry);
    if (error == 0)
        error = node_get(fs, entry.inode, &node);
    if (error != 0)
        return error;
    if (node != old) {
        error = rename_check(fs, node, from, to, old);
        if (error == 0)
            error = name_move(fs, to, new_name, node, old);
        if (error == 0) /* the entry may have moved with what was added */
            error = folder_find(fs, from, name, &entry);
        if (error == 0)
            error = folder_remove(fs, from, &entry);
        if (error == 0 && S_ISDIR(node->mode) && from != to)
            error = folder_moved(fs, node, from, to);
    }
    node_put(fs, node);
    return error;
}

static int op_rename(void *context, uint64_t from_dir, const char *name, uint64_t to_dir,
                     const char *new_name)
{
    struct ext2 *fs = context;
    struct node *from, *to, *old = NULL;
    struct entry entry;
    int error = folder_changing(fs, from_dir, name, &from);
    if (error == 0)
        error = folder_changing(fs, to_dir, new_name, &to);
    if (error != 0)
        return error;
    error = folder_find(fs, to, new_name, &entry);
    if (error == 0)
        error = node_get(fs, entry.inode, &old);
    else if (error == ENOENT)
        error = 0;
    if (error == 0)
        error = rename_nodes(fs, from, name, to, new_name, old);
    if (old != NULL)
        node_put(fs, old);
    return error;
}

/* ---- the whole ---- */

/* Everything is written, whatever the node; the root stands for all. */
static int op_sync(void *context, uint64_t node)
{
    return ext2_sync_all(context, node == 0 || node == INODE_ROOT);
}

static int op_space(void *context, struct fs_space *space)
{
    struct ext2 *fs = context;
    *space = (struct fs_space){.block_bytes = fs->block_bytes,
                               .blocks = fs->blocks,
                               .free = fs->blocks_free,
                               .files = fs->inodes,
                               .files_free = fs->inodes_free,
                               .type = SUPER_MAGIC};
    return 0;
}

const struct fs_ops ext2_ops = {.root = op_root,
                                .lookup = op_lookup,
                                .forget = op_forget,
                                .getattr = op_getattr,
                                .setattr = op_setattr,
                                .read = op_read,
                                .write = op_write,
                                .readdir = op_readdir,
                                .create = op_create,
                                .remove = op_remove,
                                .rename = op_rename,
                                .sync = op_sync,
                                .space = op_space,
                                .readlink = op_readlink,
                                .symlink = op_symlink,
                                .link = op_link};
