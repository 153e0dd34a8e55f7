/* SPDX-License-Identifier: MIT */
/*
 * The file system as a whole: checking the superblock, group descriptors, the state flag, writing
 * everything out. The superblock's and the descriptors' copies in other groups are left alone, as
 * Linux does: they are e2fsck's.
 *
 * The state flag says "clean" exactly while everything is on the disk. It is taken away, at once
 * and before anything else is written, by the first change, and comes back when all was synced.
 */
#include "servers/ext2/ext2.h"
#include "lib/little.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FREED_GROUPS_MAX 64u  /* whose freed bits are kept; then a sync before the next change */
#define DAMAGES_TOLD 20u      /* lines about damage before it is quiet */
#define TIME_KNOWN 315532800u /* 1980: what is earlier is counted from the machine's start */

void ext2_say(struct ext2 *fs, const char *format, ...)
{
    char text[EXT2_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fs->say(text);
}

uint32_t ext2_now(const struct ext2 *fs)
{
    uint32_t seconds = fs->clock();
    return seconds >= TIME_KNOWN ? seconds : fs->started + seconds;
}

static int super_get(struct ext2 *fs, enum cache_use use, unsigned char **super)
{
    int error = cache_get(&fs->cache, SUPER_OFFSET / CACHE_PAGE, use, super);
    if (error == 0)
        *super += SUPER_OFFSET % CACHE_PAGE;
    return error;
}

void ext2_damage(struct ext2 *fs, int spread, const char *what, uint64_t number)
{
    unsigned char *super;
    if (fs->damages++ < DAMAGES_TOLD)
        ext2_say(fs, "the file system is damaged: %s (%llu)", what, (unsigned long long)number);
    if (fs->read_only || (!spread && fs->on_error == 1))
        return;
    fs->state = (fs->state & ~STATE_CLEAN) | STATE_ERRORS;
    if (super_get(fs, CACHE_WRITE, &super) == 0)
        little_put16(super + S_STATE, fs->state);
    fs->read_only = 1;
    ext2_say(fs, "nothing more is written to it; run e2fsck on it");
}

/* ---- mounting ---- */

static int refuse(struct ext2 *fs, const char *why)
{
    ext2_say(fs, "not an ext2 file system that can be used: %s", why);
    return EUCLEAN;
}

static const char *incompatible_name(uint32_t flags)
{
    static const char *const name[] = {
        "compression",    "filetype",  "journal needs recovery (run e2fsck)",
        "journal device", "meta_bg",   "bit 5",
        "extent (ext4)",  "64bit",     "mmp",
        "flex_bg",        "ea_inode",  "bit 11",
        "dirdata",        "csum_seed", "large_dir",
        "inline_data",    "encrypt",   "casefold"};
    for (uint32_t bit = 0; bit < sizeof name / sizeof name[0]; bit++)
        if (flags >> bit & 1)
            return name[bit];
    return "an unknown one";
}

/* What the disk needs of whoever reads and writes it. */
static int features_check(struct ext2 *fs, const unsigned char *super)
{
    uint32_t unknown = fs->incompatible & ~INCOMPATIBLE_FILETYPE;
    uint32_t read_only = fs->revision == 0 ? 0 : little_get32(super + S_READ_ONLY);
    if (fs->revision > 1)
        return refuse(fs, "its revision is newer than 1");
    if (unknown != 0) {
        ext2_say(fs, "it uses a feature that is not supported: %s", incompatible_name(unknown));
        return EOPNOTSUPP;
    }
    read_only &= ~(READ_ONLY_SPARSE | READ_ONLY_LARGE_FILE | READ_ONLY_BTREE);
    if (read_only != 0 && !fs->read_only) {
        ext2_say(fs, "it uses features (0x%x) that allow reading only", (unsigned)read_only);
        fs->read_only = 1;
    }
    return 0;
}

static void super_parse(struct ext2 *fs, const unsigned char *super)
{
    fs->inodes = little_get32(super + S_INODES);
    fs->blocks = little_get32(super + S_BLOCKS);
    fs->blocks_free = little_get32(super + S_BLOCKS_FREE);
    fs->inodes_free = little_get32(super + S_INODES_FREE);
    fs->first_block = little_get32(super + S_FIRST_BLOCK);
    fs->block_shift = 10;
    fs->blocks_per_group = little_get32(super + S_BLOCKS_PER_GROUP);
    fs->inodes_per_group = little_get32(super + S_INODES_PER_GROUP);
    fs->state = little_get16(super + S_STATE);
    fs->on_error = little_get16(super + S_ON_ERROR);
    fs->revision = little_get32(super + S_REVISION);
    uint32_t mounted = little_get32(super + S_MOUNTED_AT);
    uint32_t written = little_get32(super + S_WRITTEN_AT);
    fs->started = mounted > written ? mounted : written;
    fs->inode_bytes = INODE_BYTES_OLD;
    fs->first_inode = INODE_FIRST_OLD;
    if (fs->revision > 0) {
        fs->inode_bytes = little_get16(super + S_INODE_BYTES);
        fs->first_inode = little_get32(super + S_FIRST_INODE);
        fs->incompatible = little_get32(super + S_INCOMPATIBLE);
    }
}

/* Sizes that everything else is computed from. */
static int geometry_check(struct ext2 *fs, uint32_t shift)
{
    if (shift > 2)
        return refuse(fs, "its blocks are not of 1, 2 or 4 KiB");
    fs->block_shift += shift;
    fs->block_bytes = 1u << fs->block_shift;
    if (block_offset(fs, fs->blocks) / BLOCK_SECTOR > fs->cache.device->sectors)
        return refuse(fs, "it is larger than the device");
    if (fs->inode_bytes < INODE_BYTES_OLD || fs->inode_bytes > fs->block_bytes ||
        (fs->inode_bytes & (fs->inode_bytes - 1)) != 0)
        return refuse(fs, "its inodes have an impossible size");
    if (fs->first_block != (shift == 0) || fs->blocks <= fs->first_block + 4)
        return refuse(fs, "its first data block is wrong");
    if (fs->blocks_per_group < 256 || fs->blocks_per_group > fs->block_bytes * 8 ||
        fs->inodes_per_group < 8 || fs->inodes_per_group > fs->block_bytes * 8 ||
        fs->blocks_per_group % 8 != 0 || fs->inodes_per_group % 8 != 0)
        return refuse(fs, "its groups have an impossible size");
    fs->groups = (fs->blocks - fs->first_block - 1) / fs->blocks_per_group + 1;
    if ((uint64_t)fs->groups * fs->inodes_per_group != fs->inodes)
        return refuse(fs, "its number of inodes does not fit its groups");
    if (fs->first_inode <= INODE_ROOT || fs->first_inode > fs->inodes)
        return refuse(fs, "its first inode is impossible");
    if ((uint64_t)fs->groups * GROUP_BYTES > block_offset(fs, fs->blocks_per_group / 2))
        return refuse(fs, "its groups are too many");
    return 0;
}

static int groups_check(struct ext2 *fs)
{
    struct group group;
    for (uint32_t i = 0; i < fs->groups; i++)
        if (group_get(fs, i, &group) != 0)
            return refuse(fs, "a group's description is impossible");
    return 0;
}

static int root_check(struct ext2 *fs)
{
    struct node *root;
    int error = node_get(fs, INODE_ROOT, &root);
    if (error != 0)
        return refuse(fs, "its root folder cannot be read");
    int folder = S_ISDIR(root->mode);
    node_put(fs, root);
    return folder ? 0 : refuse(fs, "its root is not a folder");
}

/* A mount that may write is counted, as Linux does. */
static int mount_count(struct ext2 *fs)
{
    unsigned char *super;
    fs->unclean_mount = !(fs->state & STATE_CLEAN);
    if (fs->state & STATE_ERRORS)
        ext2_say(fs, "errors were found on it before; run e2fsck on it");
    else if (!(fs->state & STATE_CLEAN))
        ext2_say(fs, "it was not cleanly unmounted; e2fsck may find something to repair");
    if (fs->read_only)
        return 0;
    int error = super_get(fs, CACHE_WRITE, &super);
    if (error != 0)
        return error;
    little_put16(super + S_MOUNTS, little_get16(super + S_MOUNTS) + 1u);
    little_put32(super + S_MOUNTED_AT, ext2_now(fs));
    return 0;
}

static int mount_checked(struct ext2 *fs)
{
    unsigned char *super;
    int error = super_get(fs, CACHE_READ, &super);
    if (error != 0)
        return refuse(fs, "its superblock cannot be read");
    if (little_get16(super + S_MAGIC) != SUPER_MAGIC)
        return refuse(fs, "the magic number is missing");
    super_parse(fs, super);
    if ((error = geometry_check(fs, little_get32(super + S_BLOCK_SHIFT))) != 0 ||
        (error = features_check(fs, super)) != 0 || (error = groups_check(fs)) != 0 ||
        (error = root_check(fs)) != 0)
        return error;
    if ((fs->freed = calloc(fs->groups, sizeof *fs->freed)) == NULL)
        return ENOMEM;
    error = mount_count(fs);
    return error == 0 && fs->unclean_mount && !fs->read_only ? ext2_recover(fs) : error;
}

int ext2_mount(struct ext2 *fs, struct block_device *device, uint32_t (*clock)(void),
               void (*say)(const char *))
{
    memset(fs, 0, sizeof *fs);
    fs->clock = clock;
    fs->say = say;
    fs->read_only = device->read_only;
    int error = cache_open(&fs->cache, device);
    if (error != 0) {
        ext2_say(fs, "no memory for its cache");
        return error;
    }
    error = mount_checked(fs);
    if (error != 0)
        ext2_abandon(fs);
    return error;
}

void ext2_abandon(struct ext2 *fs)
{
    for (uint32_t i = 0; i < NODE_BUCKETS; i++)
        while (fs->bucket[i] != NULL) {
            struct node *node = fs->bucket[i];
            fs->bucket[i] = node->next;
            free(node);
        }
    freed_forget(fs);
    free(fs->freed);
    fs->freed = NULL;
    cache_close(&fs->cache);
}

int ext2_unmount(struct ext2 *fs)
{
    int error = ext2_sync_all(fs, 1);
    ext2_abandon(fs);
    return error;
}

/* ---- state ---- */

int ext2_modify(struct ext2 *fs)
{
    unsigned char *super;
    if (fs->read_only)
        return EROFS;
    if (!(fs->state & STATE_CLEAN))
        return fs->freed_groups > FREED_GROUPS_MAX ? ext2_sync_all(fs, 0) : 0;
    int error = super_get(fs, CACHE_WRITE, &super);
    if (error != 0)
        return error;
    little_put16(super + S_STATE, fs->state & ~STATE_CLEAN);
    error = cache_push(&fs->cache, SUPER_OFFSET, SUPER_BYTES);
    if (error == 0)
        fs->state &= ~STATE_CLEAN;
    return error;
}

/* Whether something in use has no name any more: its space comes back only when it is let go. */
static int nodes_orphaned(const struct ext2 *fs)
{
    for (uint32_t i = 0; i < NODE_BUCKETS; i++)
        for (const struct node *node = fs->bucket[i]; node != NULL; node = node->next)
            if (node->links == 0)
                return 1;
    return 0;
}

int ext2_sync_all(struct ext2 *fs, int mark_clean)
{
    unsigned char *super;
    int error = 0;
    if (!fs->read_only && !(fs->state & STATE_CLEAN)) {
        if ((error = super_get(fs, CACHE_WRITE, &super)) != 0)
            return error;
        little_put32(super + S_BLOCKS_FREE, fs->blocks_free);
        little_put32(super + S_INODES_FREE, fs->inodes_free);
        little_put32(super + S_WRITTEN_AT, ext2_now(fs));
    }
    if ((error = cache_sync(&fs->cache)) != 0)
        return error;
    freed_forget(fs);
    if (!mark_clean || fs->read_only || fs->state & (STATE_CLEAN | STATE_ERRORS) ||
        fs->unclean_mount || nodes_orphaned(fs))
        return 0;
    if ((error = super_get(fs, CACHE_WRITE, &super)) != 0)
        return error;
    little_put16(super + S_STATE, fs->state | STATE_CLEAN);
    error = cache_sync(&fs->cache);
    if (error == 0)
        fs->state |= STATE_CLEAN;
    return error;
}

/* ---- groups ---- */

static uint64_t group_offset(const struct ext2 *fs, uint32_t number)
{
    return block_offset(fs, fs->first_block + 1) + (uint64_t)number * GROUP_BYTES;
}

static int block_is_inside(const struct ext2 *fs, uint32_t block, uint32_t count)
{
    return block > fs->first_block && block < fs->blocks && count <= fs->blocks - block;
}

int group_get(struct ext2 *fs, uint32_t number, struct group *group)
{
    unsigned char *data;
    uint64_t at = group_offset(fs, number);
    uint32_t table =
        (fs->inodes_per_group * fs->inode_bytes + fs->block_bytes - 1) >> fs->block_shift;
    int error = cache_get(&fs->cache, at / CACHE_PAGE, CACHE_READ, &data);
    if (error != 0)
        return error;
    data += at % CACHE_PAGE;
    *group = (struct group){.block_bitmap = little_get32(data + G_BLOCK_BITMAP),
                            .inode_bitmap = little_get32(data + G_INODE_BITMAP),
                            .inode_table = little_get32(data + G_INODE_TABLE),
                            .blocks_free = little_get16(data + G_BLOCKS_FREE),
                            .inodes_free = little_get16(data + G_INODES_FREE),
                            .folders = little_get16(data + G_FOLDERS)};
    if (!block_is_inside(fs, group->block_bitmap, 1) ||
        !block_is_inside(fs, group->inode_bitmap, 1) ||
        !block_is_inside(fs, group->inode_table, table))
        return ext2_damaged(fs, 1, "impossible description of group", number);
    return 0;
}

int group_put(struct ext2 *fs, uint32_t number, const struct group *group)
{
    unsigned char *data;
    uint64_t at = group_offset(fs, number);
    int error = cache_get(&fs->cache, at / CACHE_PAGE, CACHE_WRITE, &data);
    if (error != 0)
        return error;
    data += at % CACHE_PAGE;
    little_put16(data + G_BLOCKS_FREE, group->blocks_free);
    little_put16(data + G_INODES_FREE, group->inodes_free);
    little_put16(data + G_FOLDERS, group->folders);
    return 0;
}
