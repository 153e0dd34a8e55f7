/* SPDX-License-Identifier: MIT */
/*
 * The file system as a whole: checking the boot sector, the dirty mark, writing everything out. The
 * mark (a bit in the boot sector, and one in the table's entry 1) says "clean" exactly while
 * everything is on the disk: the first change takes it away, at once and before anything else is
 * written, and it comes back when all was synced.
 */
#include "servers/fat/fat.h"
#include "lib/little.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAMAGES_TOLD 20u       /* lines about damage before it is quiet */
#define TIME_1980 315532800u   /* FAT's first second */
#define TIME_START 1767225600u /* taken for the machine's start where nobody knows the time */

uint32_t fat_now(const struct fat *fs)
{
    uint32_t seconds = fs->clock();
    return seconds >= TIME_1980 ? seconds : TIME_START + seconds;
}

void fat_say(struct fat *fs, const char *format, ...)
{
    char text[FAT_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fs->say(text);
}

void fat_damage(struct fat *fs, const char *what, uint64_t number)
{
    if (fs->damages++ < DAMAGES_TOLD)
        fat_say(fs, "the file system is damaged: %s (%llu); run fsck.fat on it", what,
                (unsigned long long)number);
}

/* ---- mounting ---- */

static int refuse(struct fat *fs, const char *why)
{
    fat_say(fs, "not a FAT file system that can be used: %s", why);
    return EUCLEAN;
}

static int is_power_of_2(uint32_t n) { return n != 0 && (n & (n - 1)) == 0; }

static uint32_t shift_of(uint32_t power)
{
    uint32_t shift = 0;
    while (power >> shift > 1)
        shift++;
    return shift;
}

struct layout { /* in sectors */
    uint32_t sector_bytes, cluster_sectors, reserved, table_sectors, sectors, root_entries;
};

static void layout_read(const unsigned char *boot, struct layout *l)
{
    *l = (struct layout){.sector_bytes = little_get16(boot + B_SECTOR_BYTES),
                         .cluster_sectors = boot[B_CLUSTER_SECTORS],
                         .reserved = little_get16(boot + B_RESERVED),
                         .table_sectors = little_get16(boot + B_TABLE_SECTORS),
                         .sectors = little_get16(boot + B_SECTORS_16),
                         .root_entries = little_get16(boot + B_ROOT_ENTRIES)};
    if (l->table_sectors == 0)
        l->table_sectors = little_get32(boot + B_TABLE_SECTORS_32);
    if (l->sectors == 0)
        l->sectors = little_get32(boot + B_SECTORS);
}

static const char *layout_wrong(const struct fat *fs, const struct layout *l)
{
    if (!is_power_of_2(l->sector_bytes) || l->sector_bytes < 512 || l->sector_bytes > 4096)
        return "its sectors have an impossible size";
    if (!is_power_of_2(l->cluster_sectors) || l->cluster_sectors * l->sector_bytes > 65536)
        return "its clusters have an impossible size";
    if (l->reserved == 0 || fs->tables == 0 || fs->tables > 4 || l->table_sectors == 0)
        return "its tables are impossible";
    if (l->root_entries * SLOT_BYTES % l->sector_bytes != 0)
        return "its root folder has an impossible size";
    if ((uint64_t)l->sectors * l->sector_bytes > fs->cache.device->sectors * BLOCK_SECTOR)
        return "it is larger than the device";
    return NULL;
}

/* Where everything lies, and how wide numbers in the table are. */
static const char *layout_apply(struct fat *fs, const unsigned char *boot, const struct layout *l)
{
    uint64_t tables = (uint64_t)l->table_sectors * fs->tables;
    uint32_t root_sectors = l->root_entries * SLOT_BYTES / l->sector_bytes;
    uint64_t before = l->reserved + tables + root_sectors;
    if (before >= l->sectors)
        return "it has no room for files";
    fs->cluster_bytes = l->cluster_sectors * l->sector_bytes;
    fs->cluster_shift = shift_of(fs->cluster_bytes);
    fs->tables_offset = (uint64_t)l->reserved * l->sector_bytes;
    fs->table_bytes = (uint64_t)l->table_sectors * l->sector_bytes;
    fs->root_offset = fs->tables_offset + tables * l->sector_bytes;
    fs->root_bytes = l->root_entries * SLOT_BYTES;
    fs->data_offset = before * l->sector_bytes;
    fs->clusters = (l->sectors - (uint32_t)before) / l->cluster_sectors;
    if (little_get16(boot + B_TABLE_SECTORS) == 0)
        fs->bits = 32;
    else
        fs->bits = fs->clusters < 4085 ? 12 : 16;
    uint64_t most = fs->table_bytes * 8 / fs->bits;
    if (most < 3 || fs->clusters == 0)
        return "its tables are too small";
    if (fs->clusters > most - 2)
        fs->clusters = (uint32_t)(most - 2);
    if (fs->clusters > (fs->bits == 12 ? 0xff4u : fs->bits == 16 ? 0xfff4u : 0xffffff4u))
        return "it has too many clusters";
    if ((fs->bits == 32) != (fs->root_bytes == 0))
        return "its root folder has an impossible size";
    return NULL;
}

/* What FAT32 has beyond the others. */
static const char *layout_32(struct fat *fs, const unsigned char *boot, uint32_t sector_bytes)
{
    unsigned char info[512];
    uint32_t flags = little_get16(boot + B_FLAGS_32);
    uint64_t at = (uint64_t)little_get16(boot + B_INFO_32) * sector_bytes;
    fs->root_cluster = little_get32(boot + B_ROOT_32);
    if (little_get16(boot + B_VERSION_32) != 0)
        return "its version is newer than 0";
    if (!cluster_is_valid(fs, fs->root_cluster))
        return "its root folder is outside";
    if (flags & 0x80) { /* only one table is kept */
        if ((flags & 15) >= fs->tables)
            return "its table in use is not there";
        fs->active = flags & 15;
        fs->tables = 1;
    }
    if (at < 512 || at + sizeof info > fs->tables_offset ||
        cache_read(&fs->cache, at, info, sizeof info) != 0 ||
        little_get32(info + N_LEAD) != INFO_LEAD ||
        little_get32(info + N_SIGNATURE) != INFO_SIGNATURE)
        return NULL;
    fs->info_offset = at;
    fs->free = little_get32(info + N_FREE);
    fs->next_free = little_get32(info + N_NEXT);
    fs->free_known = fs->clean && fs->free > 0 && fs->free <= fs->clusters;
    return NULL;
}

static const char *mount_layout(struct fat *fs)
{
    unsigned char boot[512];
    struct layout layout;
    uint32_t mark = 0;
    if (cache_read(&fs->cache, 0, boot, sizeof boot) != 0)
        return "its boot sector cannot be read";
    if (little_get16(boot + B_SIGNATURE) != BOOT_SIGNATURE)
        return "the boot sector's signature is missing";
    layout_read(boot, &layout);
    fs->tables = boot[B_TABLES];
    const char *wrong = layout_wrong(fs, &layout);
    if (wrong == NULL)
        wrong = layout_apply(fs, boot, &layout);
    if (wrong != NULL)
        return wrong;
    fs->clean = (boot[fs->bits == 32 ? B_STATE_32 : B_STATE] & STATE_DIRTY) == 0;
    if (fs->bits != 12 && table_get(fs, 1, &mark) == 0 && mark != CLUSTER_LAST)
        fs->clean &= mark >> (fs->bits == 16 ? 15 : 27) & 1;
    return fs->bits == 32 ? layout_32(fs, boot, layout.sector_bytes) : NULL;
}

int fat_mount(struct fat *fs, struct block_device *device, uint32_t (*clock)(void),
              void (*say)(const char *))
{
    memset(fs, 0, sizeof *fs);
    fs->clock = clock;
    fs->say = say;
    fs->read_only = device->read_only;
    int error = cache_open(&fs->cache, device);
    if (error != 0) {
        fat_say(fs, "no memory for its cache");
        return error;
    }
    const char *wrong = mount_layout(fs);
    if (wrong != NULL) {
        error = refuse(fs, wrong);
        fat_abandon(fs);
        return error;
    }
    if ((error = freed_begin(fs)) != 0) {
        fat_abandon(fs);
        return error;
    }
    if (fs->clean)
        return 0;
    fs->unclean_mount = 1;
    if (fs->read_only)
        fat_say(fs, "it was not cleanly unmounted; fsck.fat may find something to repair");
    return fs->read_only ? 0 : fat_recover(fs);
}

void fat_abandon(struct fat *fs)
{
    for (uint32_t i = 0; i < NODE_BUCKETS; i++)
        while (fs->bucket[i] != NULL) {
            struct node *node = fs->bucket[i];
            fs->bucket[i] = node->next;
            free(node);
        }
    if (fs->freed != NULL)
        freed_forget(fs);
    free(fs->freed);
    fs->freed = NULL;
    cache_close(&fs->cache);
}

int fat_unmount(struct fat *fs)
{
    int error = fat_sync_all(fs, 1);
    fat_abandon(fs);
    return error;
}

/* ---- state ---- */

static int state_set(struct fat *fs, int clean)
{
    uint32_t field = fs->bits == 32 ? B_STATE_32 : B_STATE;
    unsigned char *boot;
    int error = cache_get(&fs->cache, 0, CACHE_WRITE, &boot);
    if (error != 0)
        return error;
    boot[field] = (unsigned char)((boot[field] & ~STATE_DIRTY) | (clean ? 0 : STATE_DIRTY));
    return fs->bits == 12 ? 0 : table_mark(fs, clean);
}

int fat_modify(struct fat *fs)
{
    if (fs->read_only)
        return EROFS;
    if (!fs->clean)
        return 0;
    int error = state_set(fs, 0);
    if (error == 0)
        error = cache_push(&fs->cache, 0, 512);
    for (uint32_t i = 0; i < fs->tables && error == 0; i++)
        error = cache_push(&fs->cache, fs->tables_offset + (fs->active + i) * fs->table_bytes, 8);
    fs->clean = error != 0;
    return error;
}

/* Whether something in use has no name any more: its space comes back only when it is let go. */
static int nodes_orphaned(const struct fat *fs)
{
    for (uint32_t i = 0; i < NODE_BUCKETS; i++)
        for (const struct node *node = fs->bucket[i]; node != NULL; node = node->next)
            if (node->removed)
                return 1;
    return 0;
}

static int info_store(struct fat *fs)
{
    unsigned char counts[8];
    if (fs->info_offset == 0)
        return 0;
    little_put32(counts, fs->free_known ? fs->free : UINT32_MAX);
    little_put32(counts + 4, fs->next_free);
    return cache_write(&fs->cache, fs->info_offset + N_FREE, counts, sizeof counts);
}

int fat_sync_all(struct fat *fs, int mark_clean)
{
    int changed = !fs->read_only && !fs->clean && (fs->cache.dirty > 0 || fs->cache.unflushed > 0);
    int error = changed ? info_store(fs) : 0;
    if (error == 0)
        error = cache_sync(&fs->cache);
    if (error == 0)
        freed_forget(fs);
    if (error != 0 || !mark_clean || fs->read_only || fs->clean || fs->unclean_mount ||
        nodes_orphaned(fs))
        return error;
    if ((error = state_set(fs, 1)) != 0 || (error = cache_sync(&fs->cache)) != 0)
        return error;
    fs->clean = 1;
    return 0;
}
