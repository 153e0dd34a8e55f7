/* SPDX-License-Identifier: MIT */
/*
 * Folders: slots of 32 bytes. A file has one slot with its short name, place and size, and before it
 * the slots of its long name, the end of the name first. They belong together only if they count
 * down to 1 and carry the short name's checksum; long slots that do not are passed over. A folder
 * ends at a slot of zeros, or where its chain does, or at 2 MiB.
 */
#include "servers/fat/fat.h"
#include "lib/little.h"
#include <errno.h>
#include <string.h>

#define NUMBERS_MAX 65536u /* more than a folder's slots: one is always unused */

int folder_place(struct fat *fs, struct node *folder, uint32_t offset, uint64_t *place)
{
    uint32_t cluster;
    if (folder->parent == NULL && fs->root_bytes > 0) {
        *place = fs->root_offset + offset;
        return offset < fs->root_bytes ? 0 : ENOENT;
    }
    if (folder->cluster == 0)
        return fat_damaged(fs, "a folder without clusters", folder->number);
    if (offset >= FOLDER_BYTES_MAX)
        return ENOENT;
    int error = chain_find(fs, folder, offset >> fs->cluster_shift, &cluster);
    if (error == 0)
        *place = cluster_offset(fs, cluster) + (offset & (fs->cluster_bytes - 1));
    return error;
}

static int slot_get(struct fat *fs, struct node *folder, uint32_t offset, enum cache_use use,
                    uint64_t *place, unsigned char **slot)
{
    int error = folder_place(fs, folder, offset, place);
    if (error == 0)
        error = cache_get(&fs->cache, *place / CACHE_PAGE, use, slot);
    if (error == 0)
        *slot += *place % CACHE_PAGE;
    return error;
}

/* ---- reading ---- */

struct long_name {
    struct name name;
    uint32_t first_slot;
    uint32_t next; /* number of the slot that must come now; 0: the short one; LONG_NONE: nothing */
    unsigned char checksum;
};
#define LONG_NONE 255u

static const unsigned char long_place[LONG_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

/* Takes one slot of a long name. */
static void long_take(struct long_name *l, const unsigned char *slot, uint32_t offset)
{
    uint32_t number = slot[0] & (LONG_LAST - 1u);
    if (slot[0] & LONG_LAST) {
        *l = (struct long_name){.first_slot = offset, .next = number, .checksum = slot[L_CHECKSUM]};
        l->name.units = number * LONG_UNITS;
    }
    if (number == 0 || number > LONG_SLOTS_MAX || number != l->next ||
        slot[L_CHECKSUM] != l->checksum) {
        l->next = LONG_NONE;
        return;
    }
    for (uint32_t i = 0; i < LONG_UNITS; i++) {
        uint32_t at = (number - 1) * LONG_UNITS + i;
        uint16_t unit = little_get16(slot + long_place[i]);
        if (unit == 0 && at < l->name.units)
            l->name.units = at;
        if (at < LONG_UNITS_MAX)
            l->name.unit[at] = unit;
    }
    l->next = number - 1;
}

/* The entry that ends with this short slot. */
static void entry_fill(const struct long_name *l, const unsigned char *slot, uint32_t offset,
                       uint64_t place, struct entry *entry)
{
    char text[FS_NAME_MAX + 1];
    entry->first_slot = entry->last_slot = offset;
    entry->place = place;
    memcpy(entry->slot, slot, SLOT_BYTES);
    if (l->next == 0 && l->checksum == short_checksum(slot)) {
        entry->first_slot = l->first_slot;
        entry->name = l->name;
        if (entry->name.units <= LONG_UNITS_MAX && name_print(&entry->name, text))
            return;
    }
    name_from_short(slot, slot[D_CASE], &entry->name);
}

static int is_dots(const unsigned char *slot)
{
    return memcmp(slot, ".          ", SHORT_BYTES) == 0 ||
           memcmp(slot, "..         ", SHORT_BYTES) == 0;
}

int folder_next(struct fat *fs, struct node *folder, uint32_t offset, struct entry *entry)
{
    struct long_name l = {.next = LONG_NONE};
    unsigned char *slot;
    uint64_t place;
    for (;; offset += SLOT_BYTES) {
        int error = slot_get(fs, folder, offset, CACHE_READ, &place, &slot);
        if (error != 0)
            return error;
        uint32_t attributes = slot[D_ATTRIBUTES];
        if (slot[0] == SLOT_END)
            return ENOENT;
        if (slot[0] == SLOT_FREE) {
            l.next = LONG_NONE;
        } else if ((attributes & 0x3f) == ATTRIBUTE_LONG) {
            long_take(&l, slot, offset);
        } else if (attributes & ATTRIBUTE_VOLUME || is_dots(slot)) {
            l.next = LONG_NONE;
        } else {
            entry_fill(&l, slot, offset, place, entry);
            return 0;
        }
    }
}

int folder_find(struct fat *fs, struct node *folder, const struct name *name, struct entry *entry)
{
    struct name other;
    int error = folder_next(fs, folder, 0, entry);
    while (error == 0 && !name_equal(&entry->name, name)) {
        name_from_short(entry->slot, 0, &other);
        if (name_equal(&other, name))
            break;
        error = folder_next(fs, folder, entry->last_slot + SLOT_BYTES, entry);
    }
    return error;
}

int folder_empty(struct fat *fs, struct node *folder)
{
    struct entry entry;
    int error = folder_next(fs, folder, 0, &entry);
    return error == 0 ? ENOTEMPTY : error == ENOENT ? 0 : error;
}

/* ---- adding ---- */

/* Makes the short name one that the folder does not have yet. */
static int short_make(struct fat *fs, struct node *folder, enum short_kind kind,
                      unsigned char bytes[SHORT_BYTES])
{
    static unsigned char used[NUMBERS_MAX / 8];
    struct entry entry = {.last_slot = 0};
    uint32_t taken = kind == SHORT_LOSSY, number = 1;
    memset(used, 0, sizeof used);
    int error = folder_next(fs, folder, 0, &entry);
    for (; error == 0; error = folder_next(fs, folder, entry.last_slot + SLOT_BYTES, &entry)) {
        number = short_number_of(entry.slot, bytes);
        if (number > 0 && number < NUMBERS_MAX)
            used[number / 8] |= (unsigned char)(1u << number % 8);
        taken |= memcmp(entry.slot, bytes, SHORT_BYTES) == 0;
    }
    if (error != ENOENT)
        return error;
    if (!taken)
        return 0;
    for (number = 1; used[number / 8] >> number % 8 & 1;)
        number++;
    short_number(bytes, number);
    return 0;
}

/* One more cluster of free slots. It is on the disk before the folder has it. */
static int folder_grow(struct fat *fs, struct node *folder, uint32_t offset)
{
    uint32_t cluster;
    int fresh;
    if ((folder->parent == NULL && fs->root_bytes > 0) || offset >= FOLDER_BYTES_MAX)
        return ENOSPC;
    if (folder->cluster == 0)
        return EUCLEAN;
    int error = chain_make(fs, folder, offset >> fs->cluster_shift, &cluster, &fresh);
    if (error != 0)
        return error;
    error = cache_zero(&fs->cache, cluster_offset(fs, cluster), fs->cluster_bytes);
    if (error == 0)
        error = cache_push(&fs->cache, cluster_offset(fs, cluster), fs->cluster_bytes);
    if (error != 0)
        (void)chain_cut(fs, folder, offset >> fs->cluster_shift);
    return error;
}

/* Where slots free slots follow each other. *end: those behind the last were never used. */
static int slots_find(struct fat *fs, struct node *folder, uint32_t slots, uint32_t *first, int *end)
{
    unsigned char *slot;
    uint64_t place;
    uint32_t run = 0, offset = folder->search;
    for (*end = 0; run < slots; offset += SLOT_BYTES) {
        int error = slot_get(fs, folder, offset, CACHE_READ, &place, &slot);
        if (error == ENOENT) {
            if ((error = folder_grow(fs, folder, offset)) != 0)
                return error;
            error = slot_get(fs, folder, offset, CACHE_READ, &place, &slot);
        }
        if (error != 0)
            return error;
        *end |= slot[0] == SLOT_END;
        run = *end || slot[0] == SLOT_FREE ? run + 1 : 0;
        if (run == 0 && folder->search == offset)
            folder->search += SLOT_BYTES;
    }
    *first = offset - slots * SLOT_BYTES;
    return 0;
}

/* The slot of a long name that holds its units from (number - 1) * LONG_UNITS on. */
static void long_put(unsigned char *slot, const struct name *name, uint32_t number, uint32_t count,
                     unsigned char checksum)
{
    memset(slot, 0, SLOT_BYTES);
    slot[0] = (unsigned char)(number | (number == count ? LONG_LAST : 0));
    slot[D_ATTRIBUTES] = ATTRIBUTE_LONG;
    slot[L_CHECKSUM] = checksum;
    for (uint32_t i = 0; i < LONG_UNITS; i++) {
        uint32_t at = (number - 1) * LONG_UNITS + i;
        uint32_t unit = at < name->units ? name->unit[at] : at == name->units ? 0 : 0xffff;
        little_put16(slot + long_place[i], unit);
    }
}

/* What follows the last used slot may be old: make the end. */
static int end_put(struct fat *fs, struct node *folder, uint32_t offset)
{
    unsigned char *slot;
    uint64_t place;
    int error = slot_get(fs, folder, offset, CACHE_READ, &place, &slot);
    if (error == 0 && slot[0] != SLOT_END) {
        if ((error = slot_get(fs, folder, offset, CACHE_WRITE, &place, &slot)) == 0)
            memset(slot, 0, SLOT_BYTES);
    }
    return error == ENOENT ? 0 : error;
}

int folder_add(struct fat *fs, struct node *folder, const struct name *name,
               const unsigned char given[SLOT_BYTES], struct entry *entry)
{
    unsigned char bytes[SHORT_BYTES], *slot;
    int end = 0;
    enum short_kind kind = name_to_short(name, bytes);
    int error = short_make(fs, folder, kind, bytes);
    uint32_t count = (name->units + LONG_UNITS - 1) / LONG_UNITS;
    struct name plain;
    name_from_short(bytes, 0, &plain);
    if (kind == SHORT_EXACT && plain.units == name->units &&
        memcmp(plain.unit, name->unit, 2u * name->units) == 0)
        count = 0;
    if (error == 0)
        error = slots_find(fs, folder, count + 1, &entry->first_slot, &end);
    entry->last_slot = entry->first_slot + count * SLOT_BYTES;
    if (error == 0 && end)
        error = end_put(fs, folder, entry->last_slot + SLOT_BYTES);
    for (uint32_t i = 0; i <= count && error == 0; i++) {
        uint32_t at = entry->first_slot + i * SLOT_BYTES;
        if ((error = slot_get(fs, folder, at, CACHE_WRITE, &entry->place, &slot)) != 0)
            break;
        if (i < count) {
            long_put(slot, name, count - i, count, short_checksum(bytes));
            continue;
        }
        memcpy(slot, given, SLOT_BYTES);
        memcpy(slot, bytes, SHORT_BYTES);
        slot[D_CASE] = 0;
        memcpy(entry->slot, slot, SLOT_BYTES);
    }
    return error;
}

/* ---- removing ---- */

int folder_remove(struct fat *fs, struct node *folder, uint32_t first_slot, uint32_t last_slot,
                  unsigned char first[LONG_SLOTS_MAX + 1])
{
    unsigned char *slot;
    uint64_t place;
    for (uint32_t at = first_slot; at <= last_slot; at += SLOT_BYTES) {
        int error = slot_get(fs, folder, at, CACHE_WRITE, &place, &slot);
        if (error != 0)
            return error;
        first[(at - first_slot) / SLOT_BYTES] = slot[0];
        slot[0] = SLOT_FREE;
    }
    if (folder->search > first_slot)
        folder->search = first_slot;
    return 0;
}

int folder_restore(struct fat *fs, struct node *folder, uint32_t first_slot, uint32_t last_slot,
                   const unsigned char first[LONG_SLOTS_MAX + 1])
{
    unsigned char *slot;
    uint64_t place;
    for (uint32_t at = first_slot; at <= last_slot; at += SLOT_BYTES) {
        int error = slot_get(fs, folder, at, CACHE_WRITE, &place, &slot);
        if (error != 0)
            return error;
        slot[0] = first[(at - first_slot) / SLOT_BYTES];
    }
    return 0;
}

int folder_clean(struct fat *fs, struct node *folder, uint32_t from, uint32_t to)
{
    unsigned char *slot;
    uint64_t place;
    for (; from < to; from += SLOT_BYTES) {
        int error = slot_get(fs, folder, from, CACHE_READ, &place, &slot);
        if (error != 0 || slot[0] == SLOT_END)
            return error == ENOENT ? 0 : error;
        if (slot[0] == SLOT_FREE || (slot[D_ATTRIBUTES] & 0x3f) != ATTRIBUTE_LONG)
            continue;
        if ((error = slot_get(fs, folder, from, CACHE_WRITE, &place, &slot)) != 0)
            return error;
        slot[0] = SLOT_FREE;
    }
    return 0;
}

int folder_begin(struct fat *fs, uint32_t cluster, uint32_t parent)
{
    uint64_t at = cluster_offset(fs, cluster);
    unsigned char two[2 * SLOT_BYTES];
    struct node dot = {.attributes = ATTRIBUTE_FOLDER, .mtime = fat_now(fs)};
    for (uint32_t i = 0; i < 2; i++) {
        dot.cluster = i == 0 ? cluster : parent;
        node_slot(&dot, dot.mtime, two + i * SLOT_BYTES);
        memset(two + i * SLOT_BYTES, ' ', SHORT_BYTES);
        memset(two + i * SLOT_BYTES, '.', i + 1);
    }
    int error = cache_zero(&fs->cache, at, fs->cluster_bytes);
    if (error == 0)
        error = cache_write(&fs->cache, at, two, sizeof two);
    return error == 0 ? cache_push(&fs->cache, at, fs->cluster_bytes) : error;
}
