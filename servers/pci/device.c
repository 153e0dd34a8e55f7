/* SPDX-License-Identifier: MIT */
/*
 * Devices; see device.h. A reset is by what the device has: virtio's status register, or the PCI
 * Express function-level reset, which forgets BARs and command, so both are put back.
 */
#include "device.h"
#include "config.h"
#include "lib/mmio.h"
#include "lib/sys.h"

#define VIRTIO_STATUS 0x14u
#define MSIX_ENTRY 16u
#define RESET_READS 100u /* at once; then */
#define RESET_PAUSES 300u
#define RESET_PAUSE_NS 1000000u
#define EXPRESS_RESET_NS 100000000u
#define BRIDGE_LAST 0x1au
#define COMMAND_ALL (COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER)

static uint32_t get(const struct function *f, uint32_t offset, uint32_t width)
{
    return config.read(config.context, f->place, offset, width);
}

static void put(const struct function *f, uint32_t offset, uint32_t width, uint32_t value)
{
    config.write(config.context, f->place, offset, width, value);
}

void device_enable(const struct function *f, size_t count, size_t n)
{
    uint32_t bus = PLACE_BUS(f[n].place);
    for (size_t i = 0; i < count; i++)
        if (f[i].header == 1 && bus >= get(&f[i], CONFIG_SECONDARY, 1) &&
            bus <= get(&f[i], BRIDGE_LAST, 1))
            put(&f[i], CONFIG_COMMAND, 2, get(&f[i], CONFIG_COMMAND, 2) | COMMAND_ALL);
    put(&f[n], CONFIG_COMMAND, 2, get(&f[n], CONFIG_COMMAND, 2) | COMMAND_ALL);
}

/* A spot in a device's memory, mapped with `bytes` behind it; 0: it cannot be. */
static uint64_t spot_peek(const struct function *f, struct spot s, uint64_t bytes)
{
    uint64_t address = f->bar[s.bar].address + s.offset;
    uint64_t first = address / PAGE_SIZE, last = (address + bytes - 1) / PAGE_SIZE;
    if (f->bar[s.bar].address == 0)
        return 0;
    uint64_t va = device_peek(first * PAGE_SIZE, last - first + 1);
    return va == 0 ? 0 : va + address % PAGE_SIZE;
}

static int msix_entry_write(uint64_t entry, uint32_t line)
{
    struct atm_result r = atm_irq_message(config_irqs(), line);
    if (r.status < 0)
        return 0;
    mmio_write32(entry, (uint32_t)r.r[0]);
    mmio_write32(entry + 4, (uint32_t)(r.r[0] >> 32));
    mmio_write32(entry + 8, (uint32_t)r.r[1]);
    mmio_write32(entry + 12, 0);
    return 1;
}

int device_msix(const struct function *f, uint32_t line, uint32_t lines)
{
    uint64_t table = spot_peek(f, f->msix_table, (uint64_t)lines * MSIX_ENTRY);
    int good = table != 0;
    for (uint32_t i = 0; good && i < lines; i++)
        good = msix_entry_write(table + i * MSIX_ENTRY, line + i);
    (void)device_peek(0, 0);
    uint32_t control = get(f, f->msix + MSIX_CONTROL, 2);
    if (good)
        put(f, f->msix + MSIX_CONTROL, 2, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
    return good;
}

/* Waits, by sending where nobody receives: a receive would give up the call in hand. */
static void pause_for(uint64_t nanoseconds)
{
    struct atm_result r = atm_endpoint_create(0);
    if (r.status < 0)
        return;
    const uint64_t w[REGISTER_WORDS] = {0};
    uint64_t end = atm_clock().r[0] + nanoseconds;
    while (atm_send_until(r.r[0], TAG(0, 0, 0), w, end).status == -ERR_AGAIN)
        ;
    while (atm_destroy(r.r[0]).status == -ERR_AGAIN)
        ;
    atm_handle_close(r.r[0]);
}

/* A device resets at once; one that takes its time is waited for with the processor free. */
static int virtio_reset(const struct function *f)
{
    uint64_t common = spot_peek(f, f->virtio_common, VIRTIO_STATUS + 1);
    int quiet = 0;
    if (common == 0)
        return 0;
    mmio_write8(common + VIRTIO_STATUS, 0);
    for (uint32_t i = 0; i < RESET_READS + RESET_PAUSES && !quiet; i++) {
        quiet = mmio_read8(common + VIRTIO_STATUS) == 0;
        if (!quiet && i >= RESET_READS)
            pause_for(RESET_PAUSE_NS);
    }
    (void)device_peek(0, 0);
    return quiet;
}

static int express_reset(const struct function *f)
{
    uint32_t command = get(f, CONFIG_COMMAND, 2);
    uint32_t control = get(f, f->express + EXPRESS_CONTROL, 2);
    put(f, f->express + EXPRESS_CONTROL, 2, control | EXPRESS_RESET);
    pause_for(EXPRESS_RESET_NS);
    for (uint32_t i = 0; i < FUNCTION_BARS; i++) {
        const struct bar *b = &f->bar[i];
        if (b->kind != BAR_NONE)
            put(f, CONFIG_BAR + 4 * i, 4, (uint32_t)b->address);
        if (b->kind != BAR_NONE && b->wide)
            put(f, CONFIG_BAR + 4 * i + 4, 4, (uint32_t)(b->address >> 32));
    }
    put(f, CONFIG_COMMAND, 2, command);
    return get(f, CONFIG_VENDOR, 2) == f->vendor;
}

enum device_stopped device_stop(const struct function *f)
{
    int quiet = 1;
    uint32_t command = get(f, CONFIG_COMMAND, 2);
    put(f, CONFIG_COMMAND, 2, (command & ~COMMAND_MASTER) | COMMAND_MEMORY | COMMAND_INTX_OFF);
    if (f->msix != 0) {
        uint32_t control = get(f, f->msix + MSIX_CONTROL, 2);
        put(f, f->msix + MSIX_CONTROL, 2, (control | MSIX_MASK_ALL) & ~MSIX_ENABLE);
    }
    if (f->virtio)
        quiet = virtio_reset(f);
    else if (f->express != 0)
        quiet = express_reset(f);
    if (quiet)
        return STOPPED;
    return (get(f, CONFIG_COMMAND, 2) & COMMAND_MASTER) == 0 ? STOPPED_ODD : STOPPED_NOT;
}

int device_intx_asked(const struct function *f)
{
    return (get(f, CONFIG_STATUS, 2) & STATUS_INTX) != 0;
}

void device_intx_allow(const struct function *f, int allow)
{
    uint32_t command = get(f, CONFIG_COMMAND, 2);
    put(f, CONFIG_COMMAND, 2, allow ? command & ~COMMAND_INTX_OFF : command | COMMAND_INTX_OFF);
}
