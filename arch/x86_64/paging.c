/* SPDX-License-Identifier: MIT */
/*
 * The kernel's address space (asm.h draws it) and what the core asks about address spaces. Built
 * once at boot; after that every root table has x86_root's entries for the slots that asm.h names,
 * and only the entries for device pages below them still change. Text is executable and read-only,
 * read-only data is read-only, everything else is writable and never executable; the windows show
 * the image with the same rights, so no alias of text is writable. All of it is global: no TLB flush
 * on a switch of address space.
 */
#include "arch/x86_64/x86.h"

#define ENTRY_PRESENT 0x1ul
#define ENTRY_WRITE 0x2ul
#define ENTRY_UNCACHED 0x18ul
#define ENTRY_ACCESSED 0x60ul /* and dirty */
#define ENTRY_SUPER 0x80ul
#define ENTRY_GLOBAL 0x100ul
#define ENTRY_NX 0x8000000000000000ul
#define ENTRY_ADDRESS 0x000ffffffffff000ul

#define KERNEL_READ (ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_GLOBAL | ENTRY_NX)
#define KERNEL_WRITE (KERNEL_READ | ENTRY_WRITE)
#define KERNEL_EXECUTE (ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_GLOBAL)

#define SPAN_LARGE 0x200000u /* bytes of a large page */
#define PASSAGE_PAGES (X86_PASSAGE_BYTES / PAGE_SIZE + 1)
#define INVALIDATE_MAX 64u /* pages dropped one by one; more: the whole TLB */

typedef uint64_t entries[TABLE_ENTRIES];

static entries x86_root __attribute__((aligned(4096)));
static entries device_pages __attribute__((aligned(4096))); /* the first 2 MiB of the device slot */
static uint32_t device_count;
static uint64_t *init_pages; /* the entries of X86_INIT code */

extern const uint8_t image_text[], image_init_end[], image_text_end[], image_rodata[], image_data[],
    image_end[];
extern const uint8_t x86_stacks[];
extern const uint32_t x86_stacks_count;

/* ---- building ---- */

static uint64_t *table_of(uint64_t entry) { return x86_phys(entry & ENTRY_ADDRESS); }

X86_INIT static uint64_t table_new(void)
{
    uint64_t frame = x86_ranges_take(&x86_free, 1, 1, X86_EARLY_FRAMES);
    if (frame == 0)
        x86_fail("not enough memory below 4 GiB for the kernel's page tables");
    __builtin_memset(x86_phys(frame * PAGE_SIZE), 0, PAGE_SIZE);
    return frame * PAGE_SIZE;
}

/* The entry for address in the table of the given level (1: 4 KiB pages .. 3: 1 GiB), with the
   tables above it. */
X86_INIT static uint64_t *entry_at(uint64_t address, uint32_t level)
{
    uint64_t *table = x86_root;
    for (uint32_t l = 4; l > level; l--) {
        uint64_t *entry = &table[address >> (12 + 9 * (l - 1)) & 511];
        if (*entry == 0)
            *entry = table_new() | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_ACCESSED;
        table = table_of(*entry);
    }
    return &table[address >> (12 + 9 * (level - 1)) & 511];
}

/* What the image lets be done with one of its pages; 0: not mapped (a stack's guard). */
X86_INIT static uint64_t image_rights(const uint8_t *page)
{
    if (page < image_text_end)
        return KERNEL_EXECUTE;
    if (page < image_data)
        return KERNEL_READ;
    for (uint32_t i = 0; i < x86_stacks_count; i++)
        if (page == x86_stacks + i * X86_STACK_STRIDE)
            return 0;
    return KERNEL_WRITE;
}

X86_INIT static void map_image(void)
{
    for (const uint8_t *page = image_text; page < image_end; page += PAGE_SIZE) {
        uint64_t rights = image_rights(page);
        *entry_at((uint64_t)page, 1) = rights ? x86_phys_of_image(page) | rights : 0;
    }
    init_pages = entry_at((uint64_t)image_text, 1);
}

/* 2 MiB of the windows that hold part of the image, or the low MiB: page by page. */
X86_INIT static void map_window_pages(uint64_t region)
{
    for (uint64_t page = region; page < region + SPAN_LARGE; page += PAGE_SIZE) {
        const uint8_t *high = (const uint8_t *)(page + X86_IMAGE_BASE);
        uint64_t rights = high >= image_text && high < image_data ? KERNEL_READ : KERNEL_WRITE;
        *entry_at(X86_WINDOW_BASE + page, 1) = page | rights;
    }
}

X86_INIT static int has_giga_pages(void) { return x86_cpuid(0x80000001, 0).edx >> 26 & 1; }

/* All RAM into the first window, in the largest pages that fit, then the same lower table into the
   others. */
X86_INIT static void map_windows(pfn_t frames)
{
    int giga = has_giga_pages();
    uint64_t paged_end = x86_phys_of_image(image_end);
    for (uint64_t frame = 0; frame < frames;) {
        uint64_t address = frame * PAGE_SIZE;
        if (giga && frame > 0 && frame % PAGES_1G == 0 &&
            x86_ranges_cover(&x86_ram, frame, frame + PAGES_1G)) {
            *entry_at(X86_WINDOW_BASE + address, 3) = address | KERNEL_WRITE | ENTRY_SUPER;
            frame += PAGES_1G;
            continue;
        }
        if (address < paged_end)
            map_window_pages(address);
        else if (x86_ranges_touch(&x86_ram, frame, frame + PAGES_2M))
            *entry_at(X86_WINDOW_BASE + address, 2) = address | KERNEL_WRITE | ENTRY_SUPER;
        frame += PAGES_2M;
    }
    for (uint32_t i = 1; i < WINDOWS; i++)
        x86_root[X86_WINDOW_SLOT + i] = x86_root[X86_WINDOW_SLOT];
}

/* One page of the given frames (1 or 512) behind address at. 0: no such memory is left. */
X86_INIT static int map_array_piece(uint64_t at, uint64_t frames)
{
    uint64_t frame = x86_ranges_take(&x86_free, frames, frames, FRAMES_MAX);
    if (frame == 0)
        return 0;
    uint64_t super = frames > 1 ? ENTRY_SUPER : 0;
    *entry_at(at, frames > 1 ? 2 : 1) = frame * PAGE_SIZE | KERNEL_WRITE | super;
    return 1;
}

/* Backs the first bytes of a frame array with free memory, which may hold anything. */
X86_INIT static void map_array(uint64_t base, uint64_t bytes)
{
    uint64_t end = (base + bytes + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    for (uint64_t at = base / PAGE_SIZE * PAGE_SIZE; at < end;) {
        uint64_t step = SPAN_LARGE;
        if (at % SPAN_LARGE != 0 || end - at < SPAN_LARGE || !map_array_piece(at, PAGES_2M)) {
            step = PAGE_SIZE;
            if (!map_array_piece(at, 1))
                x86_fail("not enough memory for the kernel's frame arrays");
        }
        at += step;
    }
}

/* Elements of an array that covers the frames in steps: whole steps of 1 GiB for records of
   regions, whole regions for records of frames. */
X86_INIT static uint64_t array_elements(uint64_t all, pfn_t frames)
{
    uint64_t step = all == FRAMES_MAX ? PAGES_2M : PAGES_1G;
    uint64_t covered = (frames + step - 1) / step * step;
    return covered / (FRAMES_MAX / all);
}

X86_INIT static void map_arrays(pfn_t frames)
{
#define MAP_ARRAY(type, name, slot, count)                                                         \
    map_array(X86_ARRAY_BASE + slot * (uint64_t)X86_ARRAY_STRIDE,                                  \
              array_elements(count, frames) * sizeof(type));
    FRAME_ARRAYS(MAP_ARRAY)
#undef MAP_ARRAY
}

X86_INIT static void map_device_slot(void)
{
    *entry_at(X86_DEVICE_BASE, 2) =
        x86_phys_of_image(device_pages) | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_ACCESSED;
    device_count = PASSAGE_PAGES;
}

X86_INIT void x86_paging_init(pfn_t frames)
{
    map_image();
    map_windows(frames);
    map_device_slot();
    x86_set_cr3(x86_phys_of_image(x86_root));
    x86_cpu0.root = (pfn_t)(x86_phys_of_image(x86_root) / PAGE_SIZE);
    map_arrays(frames);
}

const uint8_t *x86_text = image_text;

void x86_init_drop(void)
{
    x86_text = image_init_end;
    for (uint64_t i = 0; image_text + i * PAGE_SIZE < image_init_end; i++) {
        init_pages[i] = 0;
        x86_invlpg((uint64_t)image_text + i * PAGE_SIZE);
    }
}

/* ---- the device slot: a passage of PASSAGE_PAGES, then one page after the other ---- */

static void *device_page(uint32_t page)
{
    return (void *)(X86_DEVICE_BASE + (uint64_t)page * PAGE_SIZE);
}

X86_INIT volatile void *x86_device_map(uint64_t address)
{
    if (device_count == TABLE_ENTRIES || address >> x86_physical_bits != 0)
        return NULL;
    uint32_t page = device_count++;
    device_pages[page] = (address & ENTRY_ADDRESS) | KERNEL_WRITE | ENTRY_UNCACHED;
    x86_invlpg((uint64_t)device_page(page));
    return (volatile uint8_t *)device_page(page) + address % PAGE_SIZE;
}

X86_INIT const void *x86_passage(uint64_t address, uint64_t bytes)
{
    if (bytes > X86_PASSAGE_BYTES || address + bytes < address ||
        (address + bytes) >> x86_physical_bits != 0)
        return NULL;
    uint64_t first = address & ENTRY_ADDRESS;
    for (uint32_t page = 0; page < PASSAGE_PAGES; page++) {
        uint64_t at = first + (uint64_t)page * PAGE_SIZE;
        device_pages[page] = at < address + bytes ? at | KERNEL_READ : 0;
        x86_invlpg((uint64_t)device_page(page));
    }
    return (const uint8_t *)device_page(0) + address % PAGE_SIZE;
}

/* ---- the core's questions ---- */

void arch_frame_clear(pfn_t p)
{
    uint64_t *at = page_at[p].word;
    uint64_t count = PAGE_SIZE / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(count) : "a"(0ul) : "memory");
}

void arch_root_init(pfn_t root)
{
    for (uint32_t i = X86_WINDOW_SLOT; i <= X86_DEVICE_SLOT; i++)
        table_at[PT(root)].entry[i] = x86_root[i];
    table_at[PT(root)].entry[X86_IMAGE_SLOT] = x86_root[X86_IMAGE_SLOT];
}

void arch_tlb_invalidate(pfn_t root, uint64_t va, uint64_t pages)
{
    /* No other root's translations are in the TLB: without PCIDs a change of CR3 drops all that are
       not global. */
    if (x86_this()->root != root)
        return;
    if (pages > INVALIDATE_MAX) {
        x86_set_cr3(x86_cr3());
        return;
    }
    for (uint64_t i = 0; i < pages; i++)
        x86_invlpg(va + i * PAGE_SIZE);
}

void arch_root_release(pfn_t root)
{
    struct x86_cpu *cpu = x86_this();
    if (cpu->root != root)
        return;
    x86_set_cr3(x86_phys_of_image(x86_root));
    cpu->root = (pfn_t)(x86_phys_of_image(x86_root) / PAGE_SIZE);
}

int arch_is_device_memory(uint64_t first, uint64_t count)
{
    uint64_t limit = 1ul << (x86_physical_bits - 12);
    if (count == 0 || first >= limit || count > limit - first)
        return 0;
    return !x86_ranges_touch(&x86_ram, first, first + count) && !x86_apic_owns(first, first + count);
}
