/* SPDX-License-Identifier: MIT */
/*
 * FAT as struct fs_ops. There are no owners and one permission: read-only is its attribute, which
 * binds nobody here. Links and symbolic links do not exist.
 */
#include "servers/fat/fat.h"
#include <errno.h>
#include <string.h>

#define INO_ROOT 1u
#define INO_REMOVED (1ull << 62)

static int held(struct fat *fs, uint64_t number, struct node **node)
{
    *node = node_find(fs, number);
    return *node == NULL ? EBADF : 0;
}

static int held_folder(struct fat *fs, uint64_t number, struct node **node)
{
    int error = held(fs, number, node);
    return error == 0 && !node_is_folder(*node) ? ENOTDIR : error;
}

static int op_root(void *context, uint64_t *number)
{
    struct node *root;
    int error = node_root(context, &root);
    *number = error == 0 ? root->number : 0;
    return error;
}

/* The entry of a name, in a folder that may have been removed. */
static int entry_find(struct fat *fs, struct node *folder, const char *text, struct entry *entry)
{
    struct name name;
    int error = name_parse(text, &name);
    if (folder->removed)
        return ENOENT;
    if (error == EINVAL || error == EILSEQ) /* no file can have it */
        return ENOENT;
    return error == 0 ? folder_find(fs, folder, &name, entry) : error;
}

static int op_lookup(void *context, uint64_t dir, const char *name, uint64_t *number)
{
    struct fat *fs = context;
    struct node *folder, *node;
    struct entry entry;
    int error = held_folder(fs, dir, &folder);
    if (error != 0)
        return error;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        node = name[1] == 0 || folder->parent == NULL ? folder : folder->parent;
        node->users++;
    } else {
        error = entry_find(fs, folder, name, &entry);
        if (error == 0)
            error = node_get(fs, folder, &entry, &node);
    }
    *number = error == 0 ? node->number : 0;
    return error;
}

static void op_forget(void *context, uint64_t number)
{
    struct node *node = node_find(context, number);
    if (node != NULL)
        node_put(context, node);
}

static uint32_t mode_of(uint32_t attributes)
{
    if (attributes & ATTRIBUTE_FOLDER)
        return S_IFDIR | 0755;
    return S_IFREG | (attributes & ATTRIBUTE_READ_ONLY ? 0444 : 0644);
}

static int op_getattr(void *context, uint64_t number, struct fs_attr *attr)
{
    struct fat *fs = context;
    struct node *node;
    int error = held(fs, number, &node);
    if (error != 0)
        return error;
    uint64_t size = node_is_folder(node) ? 0 : node->size;
    uint64_t taken = (size + fs->cluster_bytes - 1) >> fs->cluster_shift << fs->cluster_shift;
    *attr = (struct fs_attr){.ino = node->removed          ? INO_REMOVED | node->number
                                    : node->parent == NULL ? INO_ROOT
                                                           : node->place / SLOT_BYTES,
                             .mode = mode_of(node->attributes),
                             .nlink = !node->removed,
                             .size = size,
                             .mtime = node->mtime,
                             .blocks = taken / BLOCK_SECTOR};
    return 0;
}

static int op_setattr(void *context, uint64_t number, uint32_t which, const struct fs_attr *attr)
{
    struct fat *fs = context;
    struct node *node;
    int error = held(fs, number, &node);
    if (error == 0)
        error = fat_modify(fs);
    if (error == 0 && which & FS_SET_SIZE)
        error = node_is_folder(node) ? EISDIR : data_resize(fs, node, attr->size);
    if (error != 0)
        return error;
    if (which & FS_SET_MODE && !node_is_folder(node))
        node->attributes = (node->attributes & ~ATTRIBUTE_READ_ONLY) |
                           (attr->mode & 0222 ? 0 : ATTRIBUTE_READ_ONLY);
    if (which & FS_SET_MTIME)
        node->mtime = attr->mtime < UINT32_MAX ? (uint32_t)attr->mtime : UINT32_MAX;
    return node_store(fs, node);
}

static int op_read(void *context, uint64_t number, uint64_t offset, void *to, uint32_t bytes,
                   uint32_t *done)
{
    struct node *node;
    int error = held(context, number, &node);
    if (error == 0 && node_is_folder(node))
        error = EISDIR;
    return error != 0 ? error : data_read(context, node, offset, to, bytes, done);
}

static int op_write(void *context, uint64_t number, uint64_t offset, const void *from,
                    uint32_t bytes, uint32_t *done)
{
    struct node *node;
    int error = held(context, number, &node);
    if (error == 0 && node_is_folder(node))
        error = EISDIR;
    if (error == 0)
        error = fat_modify(context);
    return error != 0 ? error : data_write(context, node, offset, from, bytes, done);
}

static int op_readdir(void *context, uint64_t dir, uint64_t cookie, struct fs_entry *result)
{
    struct fat *fs = context;
    struct node *folder;
    struct entry entry = {.last_slot = 0};
    int error = held_folder(fs, dir, &folder);
    if (error == 0 && (folder->removed || cookie > FOLDER_BYTES_MAX))
        error = ENOENT;
    uint32_t offset = (uint32_t)cookie & ~(SLOT_BYTES - 1);
    if (error == 0)
        error = folder_next(fs, folder, offset, &entry);
    while (error == 0 && !name_print(&entry.name, result->name)) /* not for anybody's eyes */
        error = folder_next(fs, folder, entry.last_slot + SLOT_BYTES, &entry);
    if (error != 0)
        return error;
    result->ino = entry.place / SLOT_BYTES;
    result->next = entry.last_slot + SLOT_BYTES;
    result->mode = mode_of(entry.slot[D_ATTRIBUTES]);
    return 0;
}

/* ---- names ---- */

/* A folder that is to get or lose a name. */
static int folder_changing(struct fat *fs, uint64_t dir, const char *text, struct name *name,
                           struct node **folder)
{
    int error = held_folder(fs, dir, folder);
    if (error == 0)
        error = name_parse(text, name);
    if (error == 0 && (*folder)->removed)
        error = ENOENT;
    return error == 0 ? fat_modify(fs) : error;
}

/* A new folder's cluster, with what has to be in it. */
static int folder_cluster(struct fat *fs, struct node *parent, uint32_t *cluster)
{
    int error = cluster_allocate(fs, 0, cluster);
    if (error != 0)
        return error;
    error = folder_begin(fs, *cluster, parent->parent == NULL ? 0 : parent->cluster);
    if (error != 0)
        (void)chain_free(fs, *cluster);
    return error;
}

static int op_create(void *context, uint64_t dir, const char *text, uint32_t mode, uint64_t *number)
{
    struct fat *fs = context;
    struct node *folder, *node, made = {.attributes = ATTRIBUTE_ARCHIVE};
    unsigned char slot[SLOT_BYTES];
    struct name name;
    struct entry entry;
    int error = folder_changing(fs, dir, text, &name, &folder);
    if (error == 0 && !S_ISDIR(mode) && !S_ISREG(mode))
        error = EINVAL;
    if (error == 0)
        error = folder_find(fs, folder, &name, &entry);
    if (error != ENOENT)
        return error == 0 ? EEXIST : error;
    if (S_ISDIR(mode)) {
        made.attributes = ATTRIBUTE_FOLDER;
        if ((error = folder_cluster(fs, folder, &made.cluster)) != 0)
            return error;
    } else if ((mode & 0222) == 0) {
        made.attributes |= ATTRIBUTE_READ_ONLY;
    }
    made.mtime = fat_now(fs);
    node_slot(&made, made.mtime, slot);
    error = folder_add(fs, folder, &name, slot, &entry);
    if (error == 0)
        error = node_get(fs, folder, &entry, &node);
    else if (made.cluster != 0)
        (void)chain_free(fs, made.cluster);
    *number = error == 0 ? node->number : 0;
    return error;
}

/* Whether node may lose its name as the caller thinks of it. */
static int removable(struct fat *fs, struct node *node, int folder)
{
    if (!node_is_folder(node))
        return folder ? ENOTDIR : 0;
    return folder ? folder_empty(fs, node) : EISDIR;
}

static int op_remove(void *context, uint64_t dir, const char *text, int is_folder)
{
    struct fat *fs = context;
    unsigned char first[LONG_SLOTS_MAX + 1];
    struct node *folder, *node;
    struct name name;
    struct entry entry;
    int error = folder_changing(fs, dir, text, &name, &folder);
    if (error == 0)
        error = folder_find(fs, folder, &name, &entry);
    if (error == 0)
        error = node_get(fs, folder, &entry, &node);
    if (error != 0)
        return error;
    error = removable(fs, node, is_folder);
    if (error == 0)
        error = folder_remove(fs, folder, entry.first_slot, entry.last_slot, first);
    if (error == 0)
        node_move(fs, node, NULL, NULL);
    node_put(fs, node);
    return error;
}

/* ---- renaming ---- */

static int is_below(const struct node *node, const struct node *above)
{
    for (; node != NULL; node = node->parent)
        if (node == above)
            return 1;
    return 0;
}

/* Takes the old slots of the node, and those of what it replaces, away and adds the new; if there is
   no room, all is as before. */
static int slots_move(struct fat *fs, struct node *node, struct node *to, const struct name *name,
                      struct node *old)
{
    unsigned char first[LONG_SLOTS_MAX + 1], old_first[LONG_SLOTS_MAX + 1], slot[SLOT_BYTES];
    struct node *from = node->parent;
    struct entry entry;
    int error = cache_read(&fs->cache, node->place, slot, SLOT_BYTES);
    if (error == 0)
        error = folder_remove(fs, from, node->first_slot, node->last_slot, first);
    if (error != 0)
        return error;
    if (old != NULL)
        error = folder_remove(fs, to, old->first_slot, old->last_slot, old_first);
    if (error == 0) {
        error = folder_add(fs, to, name, slot, &entry);
        if (error != 0 && old != NULL)
            (void)folder_restore(fs, to, old->first_slot, old->last_slot, old_first);
    }
    if (error != 0) {
        (void)folder_restore(fs, from, node->first_slot, node->last_slot, first);
        return error;
    }
    if (old != NULL)
        node_move(fs, old, NULL, NULL);
    node_move(fs, node, to, &entry);
    return 0;
}

static int rename_node(struct fat *fs, struct node *node, struct node *to, const struct name *name,
                       struct node *old)
{
    const struct node *from = node->parent;
    int error = 0;
    if (node_is_folder(node) && is_below(to, node))
        return EINVAL;
    if (old != NULL)
        error = removable(fs, old, node_is_folder(node));
    if (error == 0)
        error = slots_move(fs, node, to, name, old);
    if (error == 0 && node_is_folder(node) && from != to)
        error = parent_store(fs, node, to);
    return error;
}

static int op_rename(void *context, uint64_t from_dir, const char *text, uint64_t to_dir,
                     const char *new_text)
{
    struct fat *fs = context;
    struct node *from, *to, *node, *old = NULL;
    struct name name, new_name;
    struct entry entry;
    int error = folder_changing(fs, from_dir, text, &name, &from);
    if (error == 0)
        error = folder_changing(fs, to_dir, new_text, &new_name, &to);
    if (error == 0)
        error = folder_find(fs, from, &name, &entry);
    if (error == 0)
        error = node_get(fs, from, &entry, &node);
    if (error != 0)
        return error;
    error = folder_find(fs, to, &new_name, &entry);
    if (error == 0)
        error = node_get(fs, to, &entry, &old);
    else if (error == ENOENT)
        error = 0;
    int same = old != NULL && old->number == node->number; /* at most its case changes */
    if (error == 0)
        error = rename_node(fs, node, to, &new_name, same ? NULL : old);
    node_put(fs, node);
    if (old != NULL)
        node_put(fs, old);
    return error;
}

/* ---- the whole ---- */

/* Everything is written, whatever the node; the root stands for all. */
static int op_sync(void *context, uint64_t number)
{
    const struct node *node = node_find(context, number);
    return fat_sync_all(context, number == 0 || (node != NULL && node->parent == NULL));
}

static int op_space(void *context, struct fs_space *space)
{
    struct fat *fs = context;
    int error = table_count(fs);
    *space = (struct fs_space){
        .block_bytes = fs->cluster_bytes, .blocks = fs->clusters, .free = fs->free, .type = 0x4d44};
    return error;
}

const struct fs_ops fat_ops = {.root = op_root,
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
                               .space = op_space};
