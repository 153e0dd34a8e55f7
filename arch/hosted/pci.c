/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus: config space with its write masks, BARs, MSI-X tables and INTx lines. The bus comes up as firmware leaves it:
 * every BAR has an address and decodes, no device may master. The machine calls in for each port and window access of the
 * guest, the models for interrupts; nothing here reads or writes guest memory.
 */
#include <string.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/pci.h"

#define CONFIG_COMMAND 0x04u
#define CONFIG_STATUS 0x06u
#define CONFIG_BAR 0x10u
#define CONFIG_CAPABILITIES 0x34u
#define CONFIG_LINE 0x3cu
#define CONFIG_PIN 0x3du
#define CONFIG_HEADER_BYTES 0x40u
#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u
#define COMMAND_INTX_OFF 0x400u
#define STATUS_INTX 0x08u
#define STATUS_CAPABILITIES 0x10u
#define BAR_64 0x4u
#define CAP_MSIX 0x11u
#define MSIX_CAP_BYTES 12u
#define MSIX_ENABLE 0x8000u
#define MSIX_MASK_ALL 0x4000u
#define MSIX_WINDOW_BYTES 0x1000u
#define MSIX_ENTRY_BYTES 16u
#define MSIX_PENDING 0x800u /* where the pending bits are in the window */
#define ADDRESS_ENABLE 0x80000000u
#define BRIDGE_VENDOR 0x1b36u /* the PCI id of a generic host bridge */
#define BRIDGE_DEVICE 0x0008u

static struct pci_device *slot_at[PCI_SLOTS];
static uint32_t slot_count;
static uint64_t window_next = PCI_WINDOW_BASE;
static uint32_t address_register;
static struct pci_device bridge;

static uint64_t all_ones(uint32_t width) { return UINT64_MAX >> (64 - 8 * width); }

uint64_t pci_bytes_get(const uint8_t *from, uint32_t width)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < width; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

void pci_bytes_put(uint8_t *to, uint32_t width, uint64_t value)
{
    for (uint32_t i = 0; i < width; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t command_of(const struct pci_device *d)
{
    return (uint32_t)pci_bytes_get(d->config + CONFIG_COMMAND, 2);
}

bool pci_may_master(const struct pci_device *d) { return (command_of(d) & COMMAND_MASTER) != 0; }

/* ---- interrupts ---- */

static uint32_t msix_control(const struct pci_device *d)
{
    return d->vectors == 0 ? 0 : (uint32_t)pci_bytes_get(d->config + d->msix_offset + 2, 2);
}

bool pci_msix_enabled(const struct pci_device *d) { return (msix_control(d) & MSIX_ENABLE) != 0; }

/* Sends what is pending and not masked any more. */
static void msix_deliver(struct pci_device *d)
{
    if (!pci_msix_enabled(d) || (msix_control(d) & MSIX_MASK_ALL) != 0 || !pci_may_master(d)) {
        return;
    }
    for (uint32_t v = 0; v < d->vectors; v++) {
        if ((d->msix_pending >> v & 1u) != 0 && (d->msix[v].masked & 1u) == 0) {
            d->msix_pending &= ~(1u << v);
            machine_message(d->msix[v].address, d->msix[v].data);
        }
    }
}

void pci_msix_raise(struct pci_device *d, uint32_t v)
{
    if (v < d->vectors && pci_msix_enabled(d)) {
        d->msix_pending |= 1u << v;
        msix_deliver(d);
    }
}

static bool intx_asserts(const struct pci_device *d)
{
    return d->intx && (command_of(d) & COMMAND_INTX_OFF) == 0 && !pci_msix_enabled(d);
}

/* A line is high while any device on it asks. */
static void intx_update(uint32_t slot)
{
    bool high = false;

    for (uint32_t i = slot % PCI_INTX_LINES; i < slot_count; i += PCI_INTX_LINES) {
        high = high || intx_asserts(slot_at[i]);
    }
    machine_line(PCI_INTX_FIRST + slot % PCI_INTX_LINES, high);
}

void pci_intx_set(struct pci_device *d, bool high)
{
    if (d->intx != high) {
        d->intx = high;
        d->config[CONFIG_STATUS] =
            (uint8_t)((d->config[CONFIG_STATUS] & ~STATUS_INTX) | (high ? STATUS_INTX : 0));
        intx_update(d->slot);
    }
}

/* ---- the MSI-X window ---- */

static uint32_t *msix_word(struct pci_device *d, uint32_t offset, uint64_t *value)
{
    uint32_t v = offset / MSIX_ENTRY_BYTES;
    uint32_t field = offset % MSIX_ENTRY_BYTES / 4;

    *value = 0;
    if (v >= d->vectors) {
        return NULL;
    }
    *value = field < 2 ? d->msix[v].address >> (32 * field) & UINT32_MAX : 0;
    return field == 2 ? &d->msix[v].data : field == 3 ? &d->msix[v].masked : NULL;
}

static uint64_t msix_read_word(struct pci_device *d, uint32_t offset)
{
    uint64_t value;
    uint32_t *word;

    if (offset >= MSIX_PENDING) {
        return offset == MSIX_PENDING ? d->msix_pending : 0;
    }
    word = msix_word(d, offset, &value);
    return word == NULL ? value : *word;
}

static uint64_t msix_read(struct pci_device *d, uint32_t offset, uint32_t width)
{
    uint64_t value = msix_read_word(d, offset & ~3u);

    if (width == 8) {
        value |= msix_read_word(d, offset + 4) << 32;
    }
    return value >> (offset % 4 * 8) & all_ones(width);
}

static void msix_write_word(struct pci_device *d, uint32_t offset, uint32_t value)
{
    uint32_t v = offset / MSIX_ENTRY_BYTES;
    uint32_t field = offset % MSIX_ENTRY_BYTES / 4;

    if (offset >= MSIX_PENDING || v >= d->vectors) {
        return;
    }
    if (field == 0) {
        d->msix[v].address = (d->msix[v].address & ~(uint64_t)UINT32_MAX) | (value & ~3u);
    } else if (field == 1) {
        d->msix[v].address = (d->msix[v].address & UINT32_MAX) | (uint64_t)value << 32;
    } else if (field == 2) {
        d->msix[v].data = value;
    } else {
        d->msix[v].masked = value & 1u;
    }
    msix_deliver(d);
}

/* The specification has no writes but of 4 and 8 bytes. */
static void msix_write(struct pci_device *d, uint32_t offset, uint32_t width, uint64_t value)
{
    if (width >= 4) {
        msix_write_word(d, offset, (uint32_t)value);
    }
    if (width == 8) {
        msix_write_word(d, offset + 4, (uint32_t)(value >> 32));
    }
}

/* ---- making a device ---- */

void pci_device_init(struct pci_device *d, uint16_t vendor, uint16_t device, uint32_t class_code)
{
    memset(d, 0, sizeof *d);
    pci_bytes_put(d->config, 2, vendor);
    pci_bytes_put(d->config + 2, 2, device);
    d->config[8] = 1; /* revision: a modern virtio device */
    pci_bytes_put(d->config + 9, 3, class_code);
    pci_bytes_put(d->config + 0x2c, 2, vendor);
    pci_bytes_put(d->config + 0x2e, 2, device);
    pci_bytes_put(d->writable + CONFIG_COMMAND, 2,
                  COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF);
    d->writable[CONFIG_LINE] = UINT8_MAX;
    d->config[CONFIG_PIN] = 1;
    d->next_cap = CONFIG_HEADER_BYTES;
}

uint32_t pci_add_capability(struct pci_device *d, const uint8_t *bytes, uint32_t count)
{
    uint32_t at = d->next_cap;

    memcpy(d->config + at, bytes, count);
    d->config[at + 1] = d->config[CONFIG_CAPABILITIES];
    d->config[CONFIG_CAPABILITIES] = (uint8_t)at;
    d->config[CONFIG_STATUS] |= STATUS_CAPABILITIES;
    d->next_cap = (at + count + 3u) & ~3u;
    return at;
}

void pci_add_msix(struct pci_device *d, uint32_t bar, uint32_t vectors)
{
    uint8_t cap[MSIX_CAP_BYTES] = {CAP_MSIX};

    pci_bytes_put(cap + 2, 2, vectors - 1);
    pci_bytes_put(cap + 4, 4, bar);
    pci_bytes_put(cap + 8, 4, MSIX_PENDING | bar);
    d->msix_offset = pci_add_capability(d, cap, sizeof cap);
    d->vectors = vectors;
    pci_bytes_put(d->writable + d->msix_offset + 2, 2, MSIX_ENABLE | MSIX_MASK_ALL);
    for (uint32_t v = 0; v < vectors; v++) {
        d->msix[v].masked = 1;
    }
    d->window[bar] = (struct pci_window){MSIX_WINDOW_BYTES, msix_read, msix_write};
}

static void bars_assign(struct pci_device *d)
{
    for (uint32_t bar = 0; bar < PCI_BARS; bar++) {
        uint64_t bytes = d->window[bar].bytes;

        if (bytes != 0) {
            window_next = (window_next + bytes - 1) / bytes * bytes;
            pci_bytes_put(d->config + CONFIG_BAR + 4 * bar, 8, window_next | BAR_64);
            pci_bytes_put(d->writable + CONFIG_BAR + 4 * bar, 8, ~(bytes - 1));
            window_next += bytes;
        }
    }
}

bool pci_add(struct pci_device *d)
{
    if (slot_count == PCI_SLOTS) {
        return false;
    }
    d->slot = slot_count;
    slot_at[slot_count++] = d;
    bars_assign(d);
    d->config[CONFIG_COMMAND] = COMMAND_MEMORY;
    if (d->config[CONFIG_PIN] != 0) {
        d->config[CONFIG_LINE] = (uint8_t)(PCI_INTX_FIRST + d->slot % PCI_INTX_LINES);
    }
    return true;
}

void pci_start(void)
{
    if (slot_count == 0) {
        pci_device_init(&bridge, BRIDGE_VENDOR, BRIDGE_DEVICE, 0x060000);
        bridge.config[CONFIG_PIN] = 0;
        (void)pci_add(&bridge);
    }
}

void pci_clear(void)
{
    slot_count = 0;
    window_next = PCI_WINDOW_BASE;
    address_register = 0;
}

/* ---- config space ---- */

static struct pci_device *device_of(uint32_t bus, uint32_t slot, uint32_t function)
{
    return bus == 0 && function == 0 && slot < slot_count ? slot_at[slot] : NULL;
}

static uint64_t config_read(struct pci_device *d, uint32_t offset, uint32_t width)
{
    if (d == NULL) {
        return all_ones(width);
    }
    if (offset >= PCI_CONFIG_BYTES) {
        return 0;
    }
    if (d->config_access != NULL && offset >= CONFIG_HEADER_BYTES) {
        d->config_access(d, offset, width, false);
    }
    return lie_value(LIE_PCI, pci_bytes_get(d->config + offset, width));
}

static void config_write(struct pci_device *d, uint32_t offset, uint32_t width, uint64_t value)
{
    if (d == NULL || offset >= PCI_CONFIG_BYTES) {
        return;
    }
    for (uint32_t i = 0; i < width; i++) {
        uint8_t mask = d->writable[offset + i], byte = (uint8_t)(value >> (8 * i));

        d->config[offset + i] = (uint8_t)((d->config[offset + i] & ~mask) | (byte & mask));
    }
    if (d->config_access != NULL && offset >= CONFIG_HEADER_BYTES) {
        d->config_access(d, offset, width, true);
    }
    msix_deliver(d);
    intx_update(d->slot);
}

/* The device and offset a data port means; NULL: none. */
static struct pci_device *port_target(uint16_t port, uint32_t width, uint32_t *offset)
{
    uint32_t a = address_register;

    *offset = (a & 0xfcu) | (port & 3u);
    if ((a & ADDRESS_ENABLE) == 0 || port < PCI_PORT_DATA || (port & 3u) + width > 4) {
        return NULL;
    }
    return device_of(a >> 16 & 0xffu, a >> 11 & 31u, a >> 8 & 7u);
}

uint32_t pci_port_in(uint16_t port, uint32_t width)
{
    uint32_t offset = 0;
    struct pci_device *d = port_target(port, width, &offset);

    if (port == PCI_PORT_ADDRESS && width == 4 && slot_count > 0) {
        return address_register;
    }
    return (uint32_t)config_read(d, offset, width);
}

void pci_port_out(uint16_t port, uint32_t width, uint32_t value)
{
    uint32_t offset = 0;
    struct pci_device *d = port_target(port, width, &offset);

    if (port == PCI_PORT_ADDRESS && width == 4) {
        address_register = value;
    } else {
        config_write(d, offset, width, value);
    }
}

/* ---- windows ---- */

/* The BAR that decodes physical, and the offset in it. */
static const struct pci_window *window_find(uint64_t physical, struct pci_device **d,
                                            uint32_t *offset)
{
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        *d = slot_at[slot];
        if ((command_of(*d) & COMMAND_MEMORY) == 0) {
            continue;
        }
        for (uint32_t bar = 0; bar < PCI_BARS; bar += 2) {
            uint64_t base = pci_bytes_get((*d)->config + CONFIG_BAR + 4 * bar, 8) & ~(uint64_t)15;

            if (physical - base < (*d)->window[bar].bytes) {
                *offset = (uint32_t)(physical - base);
                return &(*d)->window[bar];
            }
        }
    }
    return NULL;
}

static bool is_ecam(uint64_t physical) { return physical - PCI_ECAM_BASE < PCI_ECAM_BYTES; }

static struct pci_device *ecam_device(uint64_t physical)
{
    uint32_t function = (uint32_t)((physical - PCI_ECAM_BASE) / 4096);

    return device_of(0, function / 8, function % 8);
}

uint64_t pci_memory_read(uint64_t physical, uint32_t width)
{
    const struct pci_window *w;
    struct pci_device *d;
    uint32_t offset;

    if (physical % width != 0) {
        return all_ones(width);
    }
    if (is_ecam(physical)) {
        return config_read(ecam_device(physical), (uint32_t)(physical % 4096), width);
    }
    w = window_find(physical, &d, &offset);
    return w == NULL ? all_ones(width) : w->read(d, offset, width) & all_ones(width);
}

void pci_memory_write(uint64_t physical, uint32_t width, uint64_t value)
{
    const struct pci_window *w;
    struct pci_device *d;
    uint32_t offset;

    if (physical % width != 0) {
        return;
    }
    value &= all_ones(width);
    if (is_ecam(physical)) {
        config_write(ecam_device(physical), (uint32_t)(physical % 4096), width, value);
        return;
    }
    w = window_find(physical, &d, &offset);
    if (w != NULL) {
        w->write(d, offset, width, value);
    }
}
