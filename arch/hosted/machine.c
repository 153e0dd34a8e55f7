/* SPDX-License-Identifier: MIT */
/*
 * What the native machine provides to its device models: guest memory as a device sees it, interrupts, and a line on
 * standard error. A device reaches the pages of programs and nothing else: without an IOMMU a driver's wrong address would
 * hit the kernel's own objects or freed memory on a real machine; here the model finds it and stops the device.
 */
#include <stdio.h>

#include "arch/hosted/native.h"
#include "arch/hosted/pci.h"
#include "core/alloc.h"

/* True if the frame is a page some program maps. */
static bool frame_is_user(uint64_t p)
{
    if (giga_free[p / PAGES_1G] == BLOCK_TAKEN) {
        p -= p % PAGES_1G;
    } else if (region_free[p / PAGES_2M] == BLOCK_TAKEN) {
        p -= p % PAGES_2M;
    }
    return frame_kind[p] == FRAME_USER;
}

uint8_t *machine_memory(uint64_t physical, uint64_t bytes)
{
    uint64_t size = (uint64_t)hosted_frames() * PAGE_SIZE;

    if (bytes == 0 || physical >= size || bytes > size - physical) {
        return NULL;
    }
    for (uint64_t p = physical / PAGE_SIZE; p <= (physical + bytes - 1) / PAGE_SIZE; p++) {
        if (!frame_is_user(p)) {
            return NULL;
        }
    }
    return (uint8_t *)&page_at[0] + physical;
}

void machine_message(uint64_t address, uint32_t data)
{
    if (address == MESSAGE_ADDRESS) {
        irq_message(data);
    }
}

void machine_line(uint32_t line, bool high) { irq_level(line, high); }

void machine_report(const char *device, const char *what)
{
    uart_flush();
    fprintf(stderr, "atmos-hosted: %s: %s; it needs a reset\n", device, what);
}
