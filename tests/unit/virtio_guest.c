/* SPDX-License-Identifier: MIT */
/* A small driver for device models; see virtio_guest.h. All through the bus, as a guest's accesses come. */
#include <string.h>

#include "tests/unit/virtio_guest.h"

#define CONFIG(offset) (PCI_ECAM_BASE + (offset)) /* bus 0, slot 0 */
#define COMMAND 4u
#define COMMAND_ALL 6u /* memory, bus master */
#define BAR(n) (0x10u + 4 * (n))
#define CAP_FIRST 0x34u
#define CAP_VENDOR 9u
#define CAP_MSIX 0x11u
#define MSIX_ENABLE 0x8000u
#define MESSAGE 0xfee00000u
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAPS };

#define STATUS 20u
#define STATUS_START 3u /* acknowledge, driver */
#define STATUS_FEATURES_OK 8u
#define STATUS_DRIVER_OK 4u

uint8_t guest_ram[GUEST_BYTES];
struct guest_seen guest_seen;

static uint64_t place[CAPS]; /* physical addresses of the register groups */
static uint32_t notify_multiplier;
static uint16_t offered[VIRTIO_QUEUES_MAX], seen_used[VIRTIO_QUEUES_MAX];

uint8_t *machine_memory(uint64_t physical, uint64_t bytes)
{
    return bytes == 0 || physical >= GUEST_BYTES || bytes > GUEST_BYTES - physical
               ? NULL
               : guest_ram + physical;
}

void machine_message(uint64_t address, uint32_t data)
{
    if (address == MESSAGE) {
        guest_seen.messages++;
        guest_seen.data = data;
        guest_seen.vectors |= 1u << data % 32;
    }
}

void machine_line(uint32_t line, bool high)
{
    guest_seen.line = high;
    guest_seen.lines[line] = high;
}

void machine_report(const char *device, const char *what)
{
    (void)device;
    guest_seen.why = what;
    guest_seen.reports++;
}

void guest_clear(void)
{
    pci_clear();
    memset(guest_ram, 0, sizeof guest_ram);
    memset(&guest_seen, 0, sizeof guest_seen);
    memset(offered, 0, sizeof offered);
    memset(seen_used, 0, sizeof seen_used);
    memset(place, 0, sizeof place);
}

/* Where a capability's BAR lies. */
static uint64_t bar_base(uint32_t bar)
{
    return (pci_memory_read(CONFIG(BAR(bar)), 4) & ~15ull) |
           pci_memory_read(CONFIG(BAR(bar + 1)), 4) << 32;
}

/* Every vector v sends the message v. */
static void msix_start(uint32_t cap)
{
    uint64_t control = pci_memory_read(CONFIG(cap + 2), 2);
    uint64_t table = bar_base((uint32_t)pci_memory_read(CONFIG(cap + 4), 4) & 7u);

    for (uint32_t v = 0; v <= (control & 0x7ffu); v++) {
        pci_memory_write(table + 16 * v, 4, MESSAGE);
        pci_memory_write(table + 16 * v + 4, 4, 0);
        pci_memory_write(table + 16 * v + 8, 4, v);
        pci_memory_write(table + 16 * v + 12, 4, 0);
    }
    pci_memory_write(CONFIG(cap + 2), 2, control | MSIX_ENABLE);
}

static void capability_note(uint32_t cap)
{
    uint64_t type = pci_memory_read(CONFIG(cap + 3), 1);

    if (type < CAPS) {
        place[type] = bar_base((uint32_t)pci_memory_read(CONFIG(cap + 4), 1)) +
                      pci_memory_read(CONFIG(cap + 8), 4);
    }
    if (type == CAP_NOTIFY) {
        notify_multiplier = (uint32_t)pci_memory_read(CONFIG(cap + 16), 4);
    }
}

bool guest_find(void)
{
    uint64_t cap = pci_memory_read(CONFIG(CAP_FIRST), 1);

    if (pci_memory_read(CONFIG(0), 2) == UINT16_MAX) {
        return false;
    }
    pci_memory_write(CONFIG(COMMAND), 2, COMMAND_ALL);
    for (; cap != 0; cap = pci_memory_read(CONFIG(cap + 1), 1)) {
        uint64_t id = pci_memory_read(CONFIG(cap), 1);

        if (id == CAP_VENDOR) {
            capability_note((uint32_t)cap);
        } else if (id == CAP_MSIX) {
            msix_start((uint32_t)cap);
        }
    }
    guest_common_write(STATUS, 1, 0);
    return true;
}

uint64_t guest_common_read(uint32_t offset, uint32_t width)
{
    return pci_memory_read(place[CAP_COMMON] + offset, width);
}

void guest_common_write(uint32_t offset, uint32_t width, uint64_t value)
{
    pci_memory_write(place[CAP_COMMON] + offset, width, value);
}

uint64_t guest_config_read(uint32_t offset, uint32_t width)
{
    return pci_memory_read(place[CAP_DEVICE] + offset, width);
}

/* Offsets of common configuration, and of a queue's parts from the queue's memory. */
enum { SELECT = 8, FEATURES = 12, QUEUE_SELECT = 22, ENTRIES = 24, VECTOR = 26, ENABLE = 28 };
enum { DESCRIPTORS = 32, AVAILABLE = 40, USED = 48 };

static void queue_start(uint32_t queue)
{
    uint64_t base = (uint64_t)queue * GUEST_RING_BYTES;

    guest_common_write(QUEUE_SELECT, 2, queue);
    guest_common_write(ENTRIES, 2, GUEST_QUEUE_ENTRIES);
    guest_common_write(VECTOR, 2, queue);
    guest_common_write(DESCRIPTORS, 8, base);
    guest_common_write(AVAILABLE, 8, base + GUEST_AVAILABLE);
    guest_common_write(USED, 8, base + GUEST_USED);
    guest_common_write(ENABLE, 2, 1);
}

uint8_t guest_start(uint64_t features, uint32_t queues)
{
    guest_common_write(STATUS, 1, STATUS_START);
    for (uint32_t half = 0; half < 2; half++) {
        guest_common_write(SELECT, 4, half);
        guest_common_write(FEATURES, 4, (features | 1ull << 32) >> 32 * half & UINT32_MAX);
    }
    guest_common_write(STATUS, 1, STATUS_START | STATUS_FEATURES_OK);
    for (uint32_t queue = 0; queue < queues; queue++) {
        queue_start(queue);
    }
    guest_common_write(STATUS, 1, STATUS_START | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    return (uint8_t)guest_common_read(STATUS, 1);
}

void guest_descriptor(uint64_t table, uint32_t at, uint64_t address, uint32_t bytes, uint32_t flags,
                      uint32_t next)
{
    uint8_t *to = guest_ram + table + 16u * at;
    const uint16_t rest[2] = {(uint16_t)flags, (uint16_t)next};

    memcpy(to, &address, 8);
    memcpy(to + 8, &bytes, 4);
    memcpy(to + 12, rest, 4);
}

void guest_available(uint32_t queue, uint16_t first)
{
    uint8_t *available = guest_ram + queue * GUEST_RING_BYTES + GUEST_AVAILABLE;

    memcpy(available + 4 + 2u * (offered[queue] % GUEST_QUEUE_ENTRIES), &first, 2);
    offered[queue]++;
    memcpy(available + 2, &offered[queue], 2);
}

void guest_notify(uint32_t queue)
{
    guest_common_write(QUEUE_SELECT, 2, queue);
    pci_memory_write(place[CAP_NOTIFY] + guest_common_read(30, 2) * notify_multiplier, 2, queue);
}

void guest_offer(uint32_t queue, uint16_t first, const struct guest_piece *piece, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (first + i) % GUEST_QUEUE_ENTRIES;

        guest_descriptor(queue * GUEST_RING_BYTES, at, piece[i].address, piece[i].bytes,
                         (piece[i].writable ? GUEST_WRITE : 0u) | (i + 1 < count ? GUEST_NEXT : 0u),
                         (at + 1) % GUEST_QUEUE_ENTRIES);
    }
    guest_available(queue, first);
    guest_notify(queue);
}

bool guest_used(uint32_t queue, uint32_t *first, uint32_t *bytes)
{
    const uint8_t *used = guest_ram + queue * GUEST_RING_BYTES + GUEST_USED;
    const uint8_t *entry = used + 4 + 8u * (seen_used[queue] % GUEST_QUEUE_ENTRIES);
    uint16_t index;

    memcpy(&index, used + 2, 2);
    if (index == seen_used[queue]) {
        return false;
    }
    memcpy(first, entry, 4);
    memcpy(bytes, entry + 4, 4);
    seen_used[queue]++;
    return true;
}
