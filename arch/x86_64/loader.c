/* SPDX-License-Identifier: MIT */
/*
 * What the loader left in memory: PVH's start info (qemu -kernel) or multiboot2's tags (GRUB), read
 * once into one form. Every address, count and length in them is checked before use; all of it must
 * lie in the first 4 GiB, which the early tables map. Called by boot.c only.
 */
#include "arch/x86_64/x86.h"

#define PVH_MAGIC 0x336ec578u
#define PVH_MODULES 12
#define PVH_MODULE_LIST 16
#define PVH_COMMAND 24
#define PVH_RSDP 32
#define PVH_MAP 40
#define PVH_MAP_ENTRIES 48
#define PVH_BYTES 56
#define PVH_MAP_STRIDE 24u

#define TAG_END 0u
#define TAG_COMMAND 1u
#define TAG_MODULE 3u
#define TAG_MAP 6u
#define TAG_RSDP_1 14u
#define TAG_RSDP_2 15u
#define TAGS_BYTES_MAX 0x100000u

X86_INIT static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

X86_INIT static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

/* Bytes [address, address + bytes) as the early tables map them. NULL: out of their reach, or at 0.
   */
X86_INIT static const uint8_t *loader_at(uint64_t address, uint64_t bytes)
{
    uint64_t limit = (uint64_t)X86_EARLY_FRAMES * PAGE_SIZE;
    if (address == 0 || address >= limit || bytes > limit - address)
        return NULL;
    return x86_phys(address);
}

X86_INIT static void loader_command(struct x86_loader *loader, const uint8_t *text, uint64_t bytes)
{
    uint32_t i = 0;
    for (; i < X86_COMMAND_MAX - 1 && i < bytes && text[i]; i++)
        loader->command[i] = (char)text[i];
    if (i < bytes && text[i])
        x86_print("atmos: the command line is too long and was cut off\n");
    loader->command[i] = 0;
}

X86_INIT static void loader_map_entry(struct x86_loader *loader, const uint8_t *entry)
{
    if (loader->map_count == X86_MAP_MAX) {
        x86_note("the boot map has too many entries; ignored the one at", get64(entry));
        return;
    }
    loader->map[loader->map_count].base = get64(entry);
    loader->map[loader->map_count].bytes = get64(entry + 8);
    loader->map[loader->map_count].type = get32(entry + 16);
    loader->map_count++;
}

X86_INIT static const char *loader_read_pvh(struct x86_loader *loader, uint32_t info)
{
    const uint8_t *start = loader_at(info, PVH_BYTES);
    if (!start || get32(start) != PVH_MAGIC)
        return "the PVH start info has no magic number";
    if (get32(start + 4) < 1)
        return "the PVH start info is of version 0, without a memory map";
    loader->rsdp = get64(start + PVH_RSDP);
    uint64_t command = get64(start + PVH_COMMAND);
    if (loader_at(command, X86_COMMAND_MAX))
        loader_command(loader, loader_at(command, X86_COMMAND_MAX), X86_COMMAND_MAX);
    const uint8_t *module = loader_at(get64(start + PVH_MODULE_LIST), 32);
    if (get32(start + PVH_MODULES) > 0 && module) {
        loader->module = get64(module);
        loader->module_bytes = get64(module + 8);
    }
    uint64_t entries = get32(start + PVH_MAP_ENTRIES);
    const uint8_t *map = loader_at(get64(start + PVH_MAP), entries * PVH_MAP_STRIDE);
    if (!map)
        return "the PVH memory map is out of reach";
    for (uint64_t i = 0; i < entries; i++)
        loader_map_entry(loader, map + i * PVH_MAP_STRIDE);
    return NULL;
}

X86_INIT static void loader_read_map_tag(struct x86_loader *loader, const uint8_t *tag,
                                         uint32_t bytes)
{
    if (bytes < 16)
        return;
    uint32_t stride = get32(tag + 8);
    if (stride < 20)
        return;
    for (uint64_t at = 16; at + stride <= bytes; at += stride)
        loader_map_entry(loader, tag + at);
}

X86_INIT static void loader_read_tag(struct x86_loader *loader, const uint8_t *tag, uint32_t bytes,
                                     uint64_t address)
{
    switch (get32(tag)) {
    case TAG_COMMAND:
        loader_command(loader, tag + 8, bytes - 8);
        break;
    case TAG_MODULE:
        if (bytes >= 16 && loader->module_bytes == 0 && get32(tag + 12) > get32(tag + 8)) {
            loader->module = get32(tag + 8);
            loader->module_bytes = get32(tag + 12) - get32(tag + 8);
        }
        break;
    case TAG_MAP:
        loader_read_map_tag(loader, tag, bytes);
        break;
    case TAG_RSDP_1:
        if (bytes >= 28 && loader->rsdp == 0)
            loader->rsdp = address + 8;
        break;
    case TAG_RSDP_2:
        if (bytes >= 44)
            loader->rsdp = address + 8;
        break;
    default:
        break;
    }
}

X86_INIT static const char *loader_read_multiboot(struct x86_loader *loader, uint32_t info)
{
    const uint8_t *tags = loader_at(info, 8);
    if (!tags)
        return "the multiboot2 information is out of reach";
    uint32_t total = get32(tags);
    if (total > TAGS_BYTES_MAX || !loader_at(info, total))
        return "the multiboot2 information is too long";
    loader->info = info;
    loader->info_bytes = total;
    for (uint64_t at = 8; at + 8 <= total;) {
        uint32_t bytes = get32(tags + at + 4);
        if (get32(tags + at) == TAG_END)
            break;
        if (bytes < 8 || bytes > total - at)
            return "a multiboot2 tag is longer than the information";
        loader_read_tag(loader, tags + at, bytes, info + at);
        at += (bytes + 7u) / 8 * 8;
    }
    return NULL;
}

X86_INIT const char *x86_loader_read(struct x86_loader *loader, uint32_t kind, uint32_t info)
{
    if (kind == X86_LOADER_PVH)
        return loader_read_pvh(loader, info);
    if (kind == X86_LOADER_MULTIBOOT2)
        return loader_read_multiboot(loader, info);
    return "started by a loader that speaks neither PVH nor multiboot2";
}
