/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine's memory: one memfd of all frames, mapped shared once per window, and anonymous memory for the
 * frame arrays. Every mapping ends where the frames end. Used by both the direct and the native build; the functions of
 * core/arch.h that are about memory alone are here as well.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/hosted/hosted.h"
#include "arch/hosted/pci.h"
#include "arch/hosted/snapshot.h"

/* Pages of the physical address space that stand for device memory: what lies below 4 GiB on a PC, and the PCI bus. */
#define DEVICE_FIRST 0xfe000u
#define DEVICE_END 0x100000u
#define PCI_FIRST (PCI_ECAM_BASE / PAGE_SIZE)
#define PCI_END ((PCI_WINDOW_BASE + PCI_WINDOW_BYTES) / PAGE_SIZE)

/* Here, so that a build without snapshots has it, too. */
struct hosted_dirty hosted_dirty;

static uint32_t frames;
static int memory_fd = -1;
static uint32_t fresh_end; /* frames below are zero until they are cleared once, */
static uint8_t *cleared;   /* by frame: 1: which was done */

/* Element size and elements of each frame array at full size. */
#define ARRAY_SHAPE(type, name, slot, count) [slot] = {sizeof(type), (count)},
static const struct {
    size_t size;
    uint32_t count;
} array_shape[FRAME_ARRAY_COUNT] = {FRAME_ARRAYS(ARRAY_SHAPE)};

uint32_t hosted_frames(void) { return frames; }

int hosted_memory_fd(void) { return memory_fd; }

static uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

/* The allocator works on whole regions of 512 frames and on whole gigas of 512 regions. */
size_t hosted_array_bytes(uint32_t slot)
{
    uint64_t per_element = FRAMES_MAX / array_shape[slot].count;
    uint64_t elements = round_up(frames, PAGES_2M);

    if (per_element > 1) {
        elements = round_up(frames, PAGES_1G) / per_element;
    }
    return round_up(elements * array_shape[slot].size, PAGE_SIZE);
}

static void map_at(uintptr_t address, size_t bytes, int flags, int fd)
{
    void *at = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
                    flags | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);

    if (at != (void *)address) {
        fprintf(stderr, "hosted memory: cannot map %zu bytes at %#lx: %s\n", bytes,
                (unsigned long)address, strerror(errno));
        exit(1);
    }
}

void hosted_memory_init(uint32_t frame_count)
{
    off_t bytes = (off_t)frame_count * PAGE_SIZE;

    frames = frame_count;
    memory_fd = memfd_create("atmos-memory", MFD_CLOEXEC);
    if (memory_fd < 0 || ftruncate(memory_fd, bytes) != 0) {
        fprintf(stderr, "hosted memory: cannot make %u frames of memory: %s\n", frame_count,
                strerror(errno));
        exit(1);
    }
    for (uint32_t slot = 0; slot < WINDOWS; slot++) {
        map_at(HOSTED_WINDOW_ADDRESS(slot), (size_t)bytes, MAP_SHARED, memory_fd);
    }
    for (uint32_t slot = 0; slot < FRAME_ARRAY_COUNT; slot++) {
        map_at(HOSTED_ARRAY_ADDRESS(slot), hosted_array_bytes(slot), MAP_PRIVATE | MAP_ANONYMOUS,
               -1);
    }
}

void hosted_memory_done(void)
{
    for (uint32_t slot = 0; slot < WINDOWS; slot++) {
        munmap((void *)HOSTED_WINDOW_ADDRESS(slot), (size_t)frames * PAGE_SIZE);
    }
    for (uint32_t slot = 0; slot < FRAME_ARRAY_COUNT; slot++) {
        munmap((void *)HOSTED_ARRAY_ADDRESS(slot), hosted_array_bytes(slot));
    }
    close(memory_fd);
    free(cleared);
    cleared = NULL;
    fresh_end = 0;
    memory_fd = -1;
    frames = 0;
}

void hosted_memory_fresh(uint32_t end)
{
    cleared = calloc(end, 1);
    fresh_end = cleared == NULL ? 0 : end;
}

/* A page of the host costs more than anything else at a program's start, and many are never touched. */
void arch_frame_clear(pfn_t p)
{
    if (p < fresh_end && cleared[p] == 0) {
        cleared[p] = 1;
        return;
    }
    hosted_mark_dirty(&page_at[p]);
    memset(&page_at[p], 0, sizeof page_at[p]);
}

/* The kernel lives in a process of its own: an address space has no kernel half. */
void arch_root_init(pfn_t root) { (void)root; }

int arch_is_device_memory(uint64_t first, uint64_t count)
{
    if (first >= PCI_FIRST && first < PCI_END) {
        return count <= PCI_END - first;
    }
    if (first < DEVICE_FIRST || first < frames || first >= DEVICE_END) {
        return 0;
    }
    return count <= DEVICE_END - first;
}

void arch_words_copy(pfn_t from, pfn_t to, uint32_t first, uint32_t count)
{
    hosted_mark_dirty(&page_at[to]);
    memmove(&page_at[U(to)].word[first], &page_at[U(from)].word[first], count * sizeof(uint64_t));
}

uint32_t arch_highest_bit(uint64_t bits) { return 63u - (uint32_t)__builtin_clzll(bits); }

/* Flags a program may choose: CF PF AF ZF SF DF OF. IF is always on; TF, AC, NT, RF are taken away. */
#define FLAGS_USER 0xcd5u
#define FLAGS_FIXED 0x202u

/* An instruction pointer or FS base outside user memory would fault, or be refused by the host: 0 faults the same. */
void arch_regs_sanitize(pfn_t t)
{
    uint64_t *reg = thread_at[T(t)].reg;

    hosted_mark_dirty(reg);
    reg[REG_RFLAGS] = (reg[REG_RFLAGS] & FLAGS_USER) | FLAGS_FIXED;
    if (reg[REG_RIP] >= USER_TOP) {
        reg[REG_RIP] = 0;
    }
    if (reg[REG_FS_BASE] >= USER_TOP) {
        reg[REG_FS_BASE] = 0;
    }
}
