/* SPDX-License-Identifier: MIT */
/*
 * Snapshot and reset of everything the core can write; see snapshot.h. The copy is one anonymous mapping, page by page in
 * the order of their numbers; pages never touched before the snapshot stay untouched in the copy, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/hosted/hosted.h"
#include "arch/hosted/snapshot.h"

/* The core's own variables, where it was compiled with globals.h. */
extern uint8_t __start_core_bss[] __attribute__((weak));
extern uint8_t __stop_core_bss[] __attribute__((weak));
extern uint8_t __start_core_data[] __attribute__((weak));
extern uint8_t __stop_core_data[] __attribute__((weak));

static uint8_t *copy;

static struct range {
    uint8_t *start;
    uint8_t *copy;
    size_t bytes;
} ranges[HOSTED_RANGES_MAX];
static uint32_t range_count;

/* A section of variables has a sanitizer's forbidden gaps between them, which are copied, too. */
static void copy_unchecked(void *to, const void *from, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

static void *pages_get(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED) {
        perror("hosted snapshot: no memory for the copy");
        exit(1);
    }
    return at;
}

void hosted_snapshot_add(void *start, size_t bytes)
{
    if (range_count == HOSTED_RANGES_MAX) {
        fprintf(stderr, "hosted snapshot: more than %u ranges\n", HOSTED_RANGES_MAX);
        exit(1);
    }
    ranges[range_count].start = start;
    ranges[range_count].bytes = bytes;
    ranges[range_count].copy = NULL;
    range_count++;
}

/* Where page number `page` lives. */
static uint8_t *page_address(uint32_t page)
{
    uint32_t slot = FRAME_ARRAY_COUNT - 1;

    if (page < hosted_dirty.frames) {
        return (uint8_t *)&page_at[page];
    }
    while (hosted_dirty.array_first[slot] > page) {
        slot--;
    }
    return (uint8_t *)HOSTED_ARRAY_ADDRESS(slot) +
           (size_t)(page - hosted_dirty.array_first[slot]) * PAGE_SIZE;
}

static void pages_number(void)
{
    uint32_t next = hosted_frames();

    hosted_dirty.frames = next;
    for (uint32_t slot = 0; slot < FRAME_ARRAY_COUNT; slot++) {
        hosted_dirty.array_first[slot] = next;
        next += (uint32_t)(hosted_array_bytes(slot) / PAGE_SIZE);
    }
    hosted_dirty.pages = next;
}

static bool page_is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE_SIZE - 1) == 0;
}

/* What every harness needs, once. */
static void ranges_known(void)
{
    static bool known;

    if (known) {
        return;
    }
    known = true;
    hosted_snapshot_add(&hosted_direct, sizeof hosted_direct);
    if (__start_core_bss != NULL) {
        hosted_snapshot_add(__start_core_bss, (size_t)(__stop_core_bss - __start_core_bss));
    }
    if (__start_core_data != NULL) {
        hosted_snapshot_add(__start_core_data, (size_t)(__stop_core_data - __start_core_data));
    }
}

void hosted_snapshot(void)
{
    ranges_known();
    if (copy == NULL) {
        pages_number();
        copy = pages_get((size_t)hosted_dirty.pages * PAGE_SIZE);
        hosted_dirty.flag = pages_get(hosted_dirty.pages);
        hosted_dirty.list = pages_get(hosted_dirty.pages * sizeof(uint32_t));
    }
    for (uint32_t page = 0; page < hosted_dirty.pages; page++) {
        uint8_t *to = copy + (size_t)page * PAGE_SIZE;
        const uint8_t *from = page_address(page);

        if (!page_is_zero(from) || !page_is_zero(to)) {
            memcpy(to, from, PAGE_SIZE);
        }
    }
    for (uint32_t i = 0; i < range_count; i++) {
        if (ranges[i].copy == NULL) {
            ranges[i].copy = pages_get(ranges[i].bytes);
        }
        copy_unchecked(ranges[i].copy, ranges[i].start, ranges[i].bytes);
    }
    memset(hosted_dirty.flag, 0, hosted_dirty.pages);
    hosted_dirty.used = 0;
}

static void ranges_reset(void)
{
    for (uint32_t i = 0; i < range_count; i++) {
        copy_unchecked(ranges[i].start, ranges[i].copy, ranges[i].bytes);
    }
}

uint32_t hosted_reset(void)
{
    uint32_t pages = hosted_dirty.used;

    for (uint32_t i = 0; i < pages; i++) {
        uint32_t page = hosted_dirty.list[i];

        memcpy(page_address(page), copy + (size_t)page * PAGE_SIZE, PAGE_SIZE);
        hosted_dirty.flag[page] = 0;
    }
    hosted_dirty.used = 0;
    ranges_reset();
    return pages;
}

uint32_t hosted_reset_all(void)
{
    uint32_t pages = 0;

    for (uint32_t page = 0; page < hosted_dirty.pages; page++) {
        uint8_t *to = page_address(page);
        const uint8_t *from = copy + (size_t)page * PAGE_SIZE;

        if (memcmp(to, from, PAGE_SIZE) != 0) {
            memcpy(to, from, PAGE_SIZE);
            pages++;
        }
    }
    memset(hosted_dirty.flag, 0, hosted_dirty.pages);
    hosted_dirty.used = 0;
    ranges_reset();
    return pages;
}

const void *hosted_snapshot_difference(void)
{
    for (uint32_t page = 0; page < hosted_dirty.pages; page++) {
        const uint8_t *now = page_address(page);
        const uint8_t *then = copy + (size_t)page * PAGE_SIZE;

        for (uint32_t i = 0; memcmp(now, then, PAGE_SIZE) != 0 && i < PAGE_SIZE; i++) {
            if (now[i] != then[i]) {
                return now + i;
            }
        }
    }
    return NULL;
}

void hosted_snapshot_done(void)
{
    if (copy == NULL) {
        return;
    }
    munmap(copy, (size_t)hosted_dirty.pages * PAGE_SIZE);
    munmap(hosted_dirty.flag, hosted_dirty.pages);
    munmap(hosted_dirty.list, hosted_dirty.pages * sizeof(uint32_t));
    memset(&hosted_dirty, 0, sizeof hosted_dirty);
    for (uint32_t i = 0; i < range_count; i++) {
        munmap(ranges[i].copy, ranges[i].bytes);
        ranges[i].copy = NULL;
    }
    copy = NULL;
}
