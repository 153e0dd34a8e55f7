/* SPDX-License-Identifier: MIT */
/*
 * Access to configuration space; see config.h. ECAM is mapped by groups of functions, as many as one
 * call maps: a bus fits, and of a machine with several the server looks at most functions once.
 */
#include "config.h"
#include "lib/memory.h"
#include "lib/mmio.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdlib.h>

#define PORT_ADDRESS 0xcf8u
#define PORT_DATA 0xcfcu
#define ADDRESS_ENABLE 0x80000000u
#define ECAM_VA 0x480000000000u
#define ECAM_GROUP 32u /* functions, a page each */
#define ECAM_GROUPS 8u /* a bus */
#define PEEK_VA 0x480000100000u
#define PEEK_PAGES 16u

static struct ecam ecam_here;
static uint32_t ecam_mapped[ECAM_GROUPS]; /* which group is the nth from ECAM_VA: 1 + its number; 0: none */

uint64_t config_memory(void)
{
    static uint64_t handle;
    return handle != 0 ? handle : (handle = startup_handle("memory"));
}

uint64_t config_ports(void)
{
    static uint64_t handle;
    return handle != 0 ? handle : (handle = startup_handle("ports"));
}

uint64_t config_irqs(void)
{
    static uint64_t handle;
    return handle != 0 ? handle : (handle = startup_handle("irqs"));
}

static uint32_t ports_read(void *context, uint32_t place, uint32_t offset, uint32_t width)
{
    (void)context;
    atm_port_out(config_ports(), PORT_ADDRESS, 4 | 1 << 8,
                 ADDRESS_ENABLE | place << 8 | (offset & 0xfcu));
    struct atm_result r = atm_port_in(config_ports(), PORT_DATA + offset % 4, width);
    return r.status == 0 ? (uint32_t)r.r[0] : UINT32_MAX;
}

static void ports_write(void *context, uint32_t place, uint32_t offset, uint32_t width,
                        uint32_t value)
{
    (void)context;
    atm_port_out(config_ports(), PORT_ADDRESS, 4 | 1 << 8,
                 ADDRESS_ENABLE | place << 8 | (offset & 0xfcu));
    atm_port_out(config_ports(), PORT_DATA + offset % 4, width | 1 << 8, value);
}

/* The address of a function's registers; 0: they cannot be reached. */
static uint64_t ecam_page(uint32_t place)
{
    uint32_t group = place / ECAM_GROUP, n = group % ECAM_GROUPS;
    uint64_t va = ECAM_VA + (uint64_t)n * ECAM_GROUP * PAGE_SIZE;
    if (ecam_mapped[n] == group + 1)
        return va + place % ECAM_GROUP * PAGE_SIZE;
    if (PLACE_BUS(place) < ecam_here.first || PLACE_BUS(place) > ecam_here.last)
        return 0;
    if (ecam_mapped[n] != 0)
        (void)memory_unmap(0, va, ECAM_GROUP, PAGE_SIZE_4K);
    ecam_mapped[n] = 0;
    struct atm_result r =
        atm_device_map(config_memory(), 0, va, ecam_here.base / PAGE_SIZE + group * ECAM_GROUP,
                       ECAM_GROUP, PAGE_READ | PAGE_WRITE);
    if (r.status < 0 || r.r[0] != ECAM_GROUP) {
        (void)memory_unmap(0, va, ECAM_GROUP, PAGE_SIZE_4K);
        return 0;
    }
    ecam_mapped[n] = group + 1;
    return va + place % ECAM_GROUP * PAGE_SIZE;
}

static uint32_t ecam_read(void *context, uint32_t place, uint32_t offset, uint32_t width)
{
    (void)context;
    uint64_t page = ecam_page(place);
    if (page == 0)
        return UINT32_MAX >> (32 - 8 * width);
    return width == 1   ? mmio_read8(page + offset)
           : width == 2 ? mmio_read16(page + offset)
                        : mmio_read32(page + offset);
}

static void ecam_write(void *context, uint32_t place, uint32_t offset, uint32_t width,
                       uint32_t value)
{
    (void)context;
    uint64_t page = ecam_page(place);
    if (page != 0 && width == 1)
        mmio_write8(page + offset, (uint8_t)value);
    else if (page != 0 && width == 2)
        mmio_write16(page + offset, (uint16_t)value);
    else if (page != 0)
        mmio_write32(page + offset, value);
}

struct config config_open(struct ecam *ecam)
{
    const struct config by_ports = {ports_read, ports_write, NULL};
    const struct config by_memory = {ecam_read, ecam_write, NULL};
    ecam_here = *ecam;
    if (ecam->base != 0 && ecam_page(PLACE(ecam->first, 0, 0)) != 0 && ecam->first == 0 &&
        ecam_read(NULL, 0, CONFIG_VENDOR, 4) == ports_read(NULL, 0, CONFIG_VENDOR, 4))
        return by_memory;
    *ecam = (struct ecam){0, 0, 255};
    return by_ports;
}

uint64_t device_peek(uint64_t physical, uint64_t pages)
{
    static uint64_t mapped;
    for (uint64_t i = 0; i < mapped; i++)
        atm_unmap(0, PEEK_VA + i * PAGE_SIZE, 1, PAGE_SIZE_4K);
    mapped = 0;
    if (pages == 0 || pages > PEEK_PAGES)
        return 0;
    struct atm_result r = atm_device_map(config_memory(), 0, PEEK_VA, physical / PAGE_SIZE, pages,
                                         PAGE_READ | PAGE_WRITE);
    mapped = r.status < 0 ? 0 : r.r[0];
    return mapped == pages ? PEEK_VA : 0;
}

int device_usable(uint64_t address, uint64_t bytes)
{
    uint64_t last = address + bytes - PAGE_SIZE;
    int usable = device_peek(address, 1) != 0 && (last == address || device_peek(last, 1) != 0);
    (void)device_peek(0, 0);
    return usable;
}
