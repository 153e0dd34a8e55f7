/* SPDX-License-Identifier: MIT */
/*
 * From memory map to first process; see boot.h. Runs once, before any user code, on what the loader gave: the archive
 * is checked as if it were hostile, and what is wrong with it is said in words.
 */
#include "core/boot.h"
#include "core/entry.h"
#include "core/container.h"
#include "core/memory.h"
#include "core/process.h"
#include "core/sched.h"
#include "core/sys.h"
#include "core/thread.h"

#define CPIO_HEADER 110u /* bytes of a newc header: magic and 13 fields of 8 hexadecimal digits */
#define CPIO_FILES_MAX 4096u
#define ELF_SEGMENTS_MAX 16u
#define ELF_PT_LOAD 1u
#define INIT_PATH "bin/init"

static pfn_t boot_frames;

/* A run of bytes in the archive. */
struct span {
    pfn_t frame;    /* the archive's first */
    uint64_t start; /* offset in it */
    uint64_t bytes;
};

void kernel_boot_begin(pfn_t frames)
{
    boot_frames = (frames + PAGES_2M - 1) / PAGES_2M * PAGES_2M;
    for (pfn_t p = 0; p < boot_frames; p++) {
        frame_kind[p] = FRAME_RESERVED;
        frame_generation[p] = 0;
        frame_maps[p] = 0;
        frame_owner[p] = 0;
        own_next[p] = 0;
        own_prev[p] = 0;
        own_first[p] = 0;
        own_last[p] = 0;
        queue_of[p] = 0;
        queue_next[p] = 0;
        queue_prev[p] = 0;
        table_parent[p] = 0;
        table_slot[p] = 0;
        table_used[p] = 0;
        table_level[p] = 0;
        deadline_heap[p] = 0;
    }
    alloc_reset(frames);
}

/* 1 if all of the region that begins at p is reserved, and was never given. */
/*@ requires is_frame(p) && p % PAGES_2M == 0;
    assigns \nothing; */
static bool region_reserved(pfn_t p)
{
    if (p == 0 || region_free[p / PAGES_2M] != 0)
        return false;
    const uint8_t *kind = &frame_kind[p];
    for (pfn_t i = 0; i < PAGES_2M; i++)
        if (kind[i] != FRAME_RESERVED)
            return false;
    return true;
}

/* Gives frame p, if it is reserved. */
/*@ assigns KERNEL_STATE; */
static void ram_frame(pfn_t p)
{
    if (p == 0 || frame_kind[p] != FRAME_RESERVED)
        return;
    frame_kind[p] = FRAME_FREE;
    block_free(p, BLOCK_4K);
}

/* Gives the region that begins at p, which is reserved. */
/*@ assigns KERNEL_STATE; */
static void ram_region(pfn_t p)
{
    uint8_t *kind = &frame_kind[p];
    for (pfn_t i = 0; i < PAGES_2M; i++)
        kind[i] = FRAME_FREE;
    block_free_all(p);
}

void kernel_boot_ram(pfn_t first, pfn_t count)
{
    if (first >= boot_frames)
        return;
    pfn_t end = count < boot_frames - first ? first + count : boot_frames;
    pfn_t p = first;
    while (p < end) {
        if (p % PAGES_2M == 0 && end - p >= PAGES_2M && region_reserved(p)) {
            ram_region(p);
            p += PAGES_2M;
        } else {
            ram_frame(p);
            p++;
        }
    }
}

void kernel_boot_cpu(cpu_t cpu)
{
    pfn_t p = frame_create(FRAME_RUNQUEUE);
    if (p == 0)
        arch_panic("no memory for the run queues of CPU", cpu, 0);
    for (uint32_t i = 0; i < PRIORITIES; i++)
        endpoint_at[E(p * SLOTS + i)].mode = MODE_RUN;
    cpu_at[cpu].run = p * SLOTS;
}

uint64_t kernel_free_frames(void) { return alloc_free_frames(); }

/* Byte i of a span; 0 past its end. */
/*@ requires 0 < s.frame && s.frame + s.bytes / PAGE_SIZE + 1 < FRAMES_MAX; assigns \nothing;
    ensures i >= s.bytes ==> \result == 0; */
static uint8_t span_byte(struct span s, uint64_t i)
{
    if (i >= s.bytes)
        return 0;
    uint64_t at = s.start + i;
    pfn_t p = s.frame + (pfn_t)(at / PAGE_SIZE);
    return (uint8_t)(page_at[U(p)].word[at % PAGE_SIZE / 8] >> (8 * (at % 8)));
}

/* Little-endian number of n bytes at i. */
/*@ requires n <= 8; assigns \nothing; */
static uint64_t span_number(struct span s, uint64_t i, uint32_t n)
{
    uint64_t value = 0;
    for (uint32_t b = 0; b < n; b++)
        value |= (uint64_t)span_byte(s, i + b) << (8 * b);
    return value;
}

/* Eight hexadecimal digits at i. */
/*@ assigns \nothing; */
static uint64_t span_hex(struct span s, uint64_t i)
{
    uint64_t value = 0;
    for (uint32_t b = 0; b < 8; b++) {
        uint8_t c = span_byte(s, i + b);
        uint8_t digit = c >= 'a'   ? (uint8_t)(c - 'a' + 10)
                        : c >= 'A' ? (uint8_t)(c - 'A' + 10)
                                   : (uint8_t)(c - '0');
        value = value * 16 + digit % 16;
    }
    return value;
}

/*@ requires \valid_read(text); assigns \nothing; */
static bool span_equals(struct span s, uint64_t i, const char *text)
{
    uint32_t n = 0;
    while (text[n] != 0) {
        if (span_byte(s, i + n) != (uint8_t)text[n])
            return false;
        n++;
    }
    return span_byte(s, i + n) == 0;
}

/*@ requires \valid_read(text + (0 .. n - 1)); assigns \nothing; */
static bool span_magic(struct span s, uint64_t i, const char *text, uint32_t n)
{
    for (uint32_t b = 0; b < n; b++)
        if (span_byte(s, i + b) != (uint8_t)text[b])
            return false;
    return true;
}

/* The contents of a file of the newc archive; bytes 0: there is none. */
/*@ requires \valid_read(path); assigns \nothing;
    ensures \result.bytes <= archive.bytes; */
static struct span archive_find(struct span archive, const char *path)
{
    struct span none = {0, 0, 0};
    uint64_t at = 0;
    for (uint32_t n = 0; n < CPIO_FILES_MAX; n++) {
        if (at + CPIO_HEADER > archive.bytes || !span_magic(archive, at, "070701", 6))
            return none;
        uint64_t size = span_hex(archive, at + 54);
        uint64_t name = span_hex(archive, at + 94);
        uint64_t data = (at + CPIO_HEADER + name + 3) / 4 * 4;
        if (data > archive.bytes || size > archive.bytes - data)
            return none;
        if (span_equals(archive, at + CPIO_HEADER, path)) {
            struct span file = {archive.frame, archive.start + data, size};
            return file;
        }
        at = (data + size + 3) / 4 * 4;
    }
    return none;
}

/* A fresh page of process p at va. NULL: done. */
/*@ requires kernel_wf && is_process(p);
    assigns KERNEL_STATE;
    ensures kernel_wf; */
static const char *page_fresh(pfn_t p, uint64_t va, uint32_t flags)
{
    status_t status = memory_map_pages(p, va, 1, flags).status;
    if (status == ERR_EXISTS)
        return "segments of bin/init overlap";
    return status == ERR_NONE ? NULL : "not enough memory for bin/init";
}

/* Copies bytes of a span into the page of p at va, which is mapped: those that fall in it of a segment at `start`. */
/*@ requires kernel_wf && is_process(p);
    assigns page_at[0 .. FRAMES_MAX - 1]; */
static void page_fill(pfn_t p, uint64_t va, struct span data, uint64_t start)
{
    pfn_t f = (pfn_t)entry_frame(memory_entry(p, va));
    for (uint32_t i = 0; i < PAGE_SIZE; i++) {
        if (va + i < start)
            continue;
        uint8_t byte = span_byte(data, va + i - start);
        page_at[U(f)].word[i / 8] |= (uint64_t)byte << (8 * (i % 8));
    }
}

/* One program header at `at`: maps and fills its pages. */
/*@ requires kernel_wf && is_process(p);
    assigns KERNEL_STATE;
    ensures kernel_wf; */
static const char *segment_load(pfn_t p, struct span file, uint64_t at)
{
    if (span_number(file, at, 4) != ELF_PT_LOAD)
        return NULL;
    uint64_t offset = span_number(file, at + 8, 8);
    uint64_t va = span_number(file, at + 16, 8);
    uint64_t stored = span_number(file, at + 32, 8);
    uint64_t size = span_number(file, at + 40, 8);
    uint32_t elf = (uint32_t)span_number(file, at + 4, 4);
    if (size == 0)
        return NULL;
    if (stored > size || offset > file.bytes || stored > file.bytes - offset)
        return "a segment of bin/init leaves the file";
    if (va >= USER_TOP || size > USER_TOP ||
        !user_range(va - va % PAGE_SIZE, (va % PAGE_SIZE + size + 4095) / PAGE_SIZE))
        return "a segment of bin/init leaves user memory";
    if (elf % 4 == 3)
        return "a segment of bin/init is writable and executable";
    uint32_t flags =
        PAGE_READ | (elf / 2 % 2 != 0 ? PAGE_WRITE : 0) | (elf % 2 != 0 ? PAGE_EXECUTE : 0);
    struct span data = {file.frame, file.start + offset, stored};
    for (uint64_t page = va - va % PAGE_SIZE; page < va + size; page += PAGE_SIZE) {
        const char *wrong = page_fresh(p, page, flags);
        if (wrong != NULL)
            return wrong;
        page_fill(p, page, data, va);
    }
    return NULL;
}

/* Loads the program; *entry is where it starts. */
/*@ requires kernel_wf && is_process(p) && \valid(entry);
    assigns KERNEL_STATE, *entry;
    ensures kernel_wf && (\result == \null ==> *entry < USER_TOP); */
static const char *program_load(pfn_t p, struct span file, uint64_t *entry)
{
    if (!span_magic(file, 0, "\177ELF\2\1", 6))
        return "bin/init is not a 64-bit little-endian ELF file";
    if (span_number(file, 16, 2) != 2 || span_number(file, 18, 2) != 62)
        return "bin/init is not a static x86-64 program";
    uint64_t table = span_number(file, 32, 8);
    uint64_t count = span_number(file, 56, 2);
    if (span_number(file, 54, 2) != 56 || count > ELF_SEGMENTS_MAX || table > file.bytes ||
        count * 56 > file.bytes - table)
        return "the program headers of bin/init are malformed";
    for (uint64_t i = 0; i < count; i++) {
        const char *wrong = segment_load(p, file, table + i * 56);
        if (wrong != NULL)
            return wrong;
    }
    *entry = span_number(file, 24, 8);
    return *entry < USER_TOP ? NULL : "the entry point of bin/init leaves user memory";
}

/* The archive's frames become user pages, with nothing of the loader's behind its end. */
/*@ requires \valid_read(image) && frames > 0;
    assigns KERNEL_STATE; */
static void archive_adopt(const struct boot_image *image, pfn_t frames)
{
    uint64_t tail = image->initrd_bytes % PAGE_SIZE;
    for (pfn_t i = 0; i < frames; i++) {
        frame_kind[image->initrd + i] = FRAME_FREE;
        frame_become_user(image->initrd + i);
    }
    for (uint64_t i = tail; tail != 0 && i < PAGE_SIZE; i++)
        page_at[U(image->initrd + frames - 1)].word[i / 8] &= ~((uint64_t)255 << (8 * (i % 8)));
}

/* Maps the archive read-only for init. */
/*@ requires kernel_wf && is_process(p) && \valid_read(image);
    assigns KERNEL_STATE;
    ensures kernel_wf; */
static const char *archive_map(pfn_t p, const struct boot_image *image, pfn_t frames)
{
    for (pfn_t i = 0; i < frames; i++) {
        pfn_t f = image->initrd + i;
        uint64_t va = INITRD_VA + (uint64_t)i * PAGE_SIZE;
        uint32_t missing = table_missing(process_at[P(p)].root, va, 1);
        if (!process_fits(p, 1 + missing))
            return "not enough memory to map the initial ramdisk";
        page_map(f);
        process_charge(p, 1 + missing);
        pfn_t t = table_make(process_at[P(p)].root, va, 1);
        table_set(t, table_index(va, 1), entry_make(f, PAGE_READ));
    }
    return NULL;
}

/* Stack, message page and boot information of init. */
/*@ requires kernel_wf && is_process(p) && \valid_read(image);
    assigns KERNEL_STATE;
    ensures kernel_wf; */
static const char *init_pages(pfn_t p, const struct boot_image *image)
{
    const uint32_t flags = PAGE_READ | PAGE_WRITE;
    const uint64_t stack = INIT_STACK_TOP - (uint64_t)INIT_STACK_PAGES * PAGE_SIZE;
    if (memory_map_pages(p, stack, INIT_STACK_PAGES, flags).status != ERR_NONE)
        return "not enough memory for the stack of init";
    if (memory_map_pages(p, INIT_MESSAGE_VA, 1, flags).status != ERR_NONE ||
        memory_map_pages(p, BOOT_INFO_VA, 1, flags).status != ERR_NONE)
        return "not enough memory for the boot information page";
    struct page_words *page = &page_at[U((pfn_t)entry_frame(memory_entry(p, BOOT_INFO_VA)))];
    uint64_t cpus = 0;
    for (cpu_t cpu = 0; cpu < CPUS_MAX; cpu++)
        cpus += cpu_at[cpu].run != 0;
    page->word[0] = BOOT_MAGIC;
    page->word[1] = image->initrd_bytes;
    page->word[2] = container_at[C(frame_owner[p])].total;
    page->word[3] = cpus;
    page->word[4] = image->rsdp;
    page->word[5] = image->machine;
    page->word[6] = image->ecam;
    page->word[7] = image->ecam_first;
    page->word[8] = image->ecam_last;
    for (uint32_t i = 0; i < 1023 && image->command != NULL && image->command[i] != 0; i++)
        page->word[9 + i / 8] |= (uint64_t)(uint8_t)image->command[i] << (8 * (i % 8));
    return NULL;
}

/* A handle over numbers 0 .. last, or over all physical memory. */
/*@ assigns \nothing;
    ensures \result.kind == kind && \result.rights == RIGHTS_ALL; */
static struct handle handle_to_devices(uint8_t kind, uint64_t last)
{
    struct handle h = handle_to(kind, 0, 0);
    h.badge = last;
    if (kind != KIND_MEMORY)
        return h;
    h.badge = 0;
    h.generation = last + 1;
    return h;
}

/* Opens init's first handles, in the order of enum atm_boot_handle. */
/*@ requires kernel_wf && is_process(p) && is_thread(t);
    assigns KERNEL_STATE;
    ensures kernel_wf; */
static void init_handles(pfn_t p, pfn_t t)
{
    pfn_t c = frame_owner[p];
    uint32_t lines = arch_irq_count();
    uint32_t n[BOOT_HANDLES] = {0};
    n[BOOT_CONTAINER] = process_handle_open(p, handle_to(KIND_CONTAINER, c, frame_generation[c]));
    n[BOOT_PROCESS] = process_handle_open(p, handle_to(KIND_PROCESS, p, frame_generation[p]));
    n[BOOT_THREAD] = process_handle_open(p, handle_to(KIND_THREAD, t, frame_generation[t]));
    n[BOOT_IRQS] = process_handle_open(p, handle_to_devices(KIND_IRQS, lines == 0 ? 0 : lines - 1));
    n[BOOT_PORTS] = process_handle_open(p, handle_to_devices(KIND_PORTS, 65535));
    n[BOOT_MEMORY] = process_handle_open(p, handle_to_devices(KIND_MEMORY, PTE_FRAMES - 1));
    for (uint32_t i = BOOT_CONTAINER; i < BOOT_HANDLES; i++)
        if (n[i] != i)
            arch_panic("init's first handles have other numbers than the ABI says", i, n[i]);
}

const char *kernel_boot_init(const struct boot_image *image, pfn_t *first)
{
    pfn_t frames = (pfn_t)((image->initrd_bytes + PAGE_SIZE - 1) / PAGE_SIZE);
    struct span archive = {image->initrd, 0, image->initrd_bytes};
    if (image->initrd == 0 || image->initrd_bytes == 0)
        return "there is no initial ramdisk: load initrd.cpio with the kernel";
    archive_adopt(image, frames);
    struct span program = archive_find(archive, INIT_PATH);
    if (program.bytes == 0)
        return "the initial ramdisk has no file bin/init (or is no newc cpio archive)";
    uint64_t cpus = 0;
    for (cpu_t cpu = 0; cpu < CPUS_MAX; cpu++)
        if (cpu_at[cpu].run != 0)
            cpus |= (uint64_t)1 << cpu;
    pfn_t c = container_create(0, 0, cpus, PRIORITIES - 1);
    if (c == 0)
        return "not enough memory for the root container";
    container_at[C(c)].total = alloc_free_frames() + frames;
    container_at[C(c)].name[0] = 0x746f6f72u; /* "root" */
    pfn_t p = container_fits(c, PROCESS_FRAMES) ? process_create(c) : 0;
    if (p == 0)
        return "not enough memory for the first process";
    process_at[P(p)].name[0] = 0x74696e69u; /* "init" */
    uint64_t entry = 0;
    const char *wrong = program_load(p, program, &entry);
    if (wrong == NULL)
        wrong = init_pages(p, image);
    if (wrong == NULL)
        wrong = archive_map(p, image, frames);
    if (wrong != NULL)
        return wrong;
    if (!process_fits(p, 1))
        return "not enough memory for the first thread";
    pfn_t t = thread_create(p, PRIORITIES / 2, 0);
    reg_set(t, REG_RIP, entry);
    reg_set(t, REG_RSP, INIT_STACK_TOP);
    reg_set(t, REG_RDI, BOOT_INFO_VA);
    thread_at[T(t)].message_va = INIT_MESSAGE_VA;
    thread_at[T(t)].suspended = 0;
    init_handles(p, t);
    init_process = p;
    sched_ready(t);
    *first = kernel_resched(0);
    return NULL;
}
