/* SPDX-License-Identifier: MIT */
/*
 * Loops around the memory calls. Each call says how many pages it did (r0); an error means that it
 * did none, and AGAIN that it made progress which cannot be counted in pages yet.
 */
#include "lib/memory.h"
#include "lib/startup.h"
#include "lib/sys.h"

#define WINDOW_COUNT 64u

static uint64_t windows_taken; /* bit n: window n is open */

static uint64_t page_bytes(uint64_t flags)
{
    if ((flags & PAGE_SIZE_1G) != 0)
        return (uint64_t)PAGE_SIZE * PAGES_1G;
    return (flags & PAGE_SIZE_2M) != 0 ? (uint64_t)PAGE_SIZE * PAGES_2M : PAGE_SIZE;
}

int64_t memory_unmap(uint64_t process, uint64_t va, uint64_t pages, uint64_t flags)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t at = va + done * page_bytes(flags);
        struct atm_result r = atm_unmap(process, at, pages - done, flags);
        if (r.status == -ERR_AGAIN)
            continue;
        if (r.status < 0)
            return r.status;
        done += r.r[0];
    }
    return 0;
}

int64_t memory_map(uint64_t process, uint64_t va, uint64_t pages, uint64_t flags)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t at = va + done * page_bytes(flags);
        struct atm_result r = atm_map(process, at, pages - done, flags);
        if (r.status == -ERR_AGAIN)
            continue;
        if (r.status < 0) {
            memory_unmap(process, va, done, flags);
            return r.status;
        }
        done += r.r[0];
    }
    return 0;
}

int64_t memory_protect(uint64_t process, uint64_t va, uint64_t pages, uint64_t flags)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t at = va + done * page_bytes(flags);
        struct atm_result r = atm_protect(process, at, pages - done, flags);
        if (r.status < 0)
            return r.status;
        done += r.r[0];
    }
    return 0;
}

int64_t memory_share(struct memory_range from, struct memory_range to, uint64_t pages,
                     uint64_t flags)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t offset = done * page_bytes(flags);
        struct atm_result r = atm_share(from.process, from.va + offset, to.process, to.va + offset,
                                        pages - done, flags);
        if (r.status < 0) {
            memory_unmap(to.process, to.va, done, flags);
            return r.status;
        }
        done += r.r[0];
    }
    return 0;
}

int64_t object_destroy(uint64_t handle)
{
    struct atm_result r;
    do
        r = atm_destroy(handle);
    while (r.status == -ERR_AGAIN);
    return r.status;
}

uint64_t window_open(void)
{
    for (uint64_t n = 0; n < WINDOW_COUNT; n++)
        if ((windows_taken >> n & 1) == 0) {
            windows_taken |= 1ul << n;
            return WINDOWS_VA + n * WINDOW_PAGES * PAGE_SIZE;
        }
    return 0;
}

void window_close(uint64_t va, uint64_t pages)
{
    memory_unmap(0, va, pages, PAGE_SIZE_4K);
    windows_taken &= ~(1ul << (va - WINDOWS_VA) / PAGE_SIZE / WINDOW_PAGES);
}
