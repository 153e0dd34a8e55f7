/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the virtio-net model and the virtio transport under a driver that does anything: any bytes in its
 * rings and buffers, any register written, frames that arrive at any moment. No frame beyond the longest reaches the cable,
 * and nothing outside guest memory is touched, which ASan sees.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/virtio_net.h"
#include "arch/hosted/wire.h"
#include "tests/unit/virtio_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES 4u
#define ECAM_SLOTS 2u /* the device's page of config space, and the next, where nothing is */

/* The input as numbers; 0 beyond its end. */
static struct {
    const uint8_t *at, *end;
} input;

static uint32_t next(uint32_t bytes)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < bytes && input.at < input.end; i++) {
        value = value << 8 | *input.at++;
    }
    return value;
}

void network_transmit(const uint8_t *frame, uint32_t bytes)
{
    volatile uint8_t sum = 0;

    if (bytes < 14 || bytes > WIRE_BYTES_MAX) {
        abort();
    }
    for (uint32_t i = 0; i < bytes; i++) {
        sum = (uint8_t)(sum + frame[i]);
    }
}

void network_room(void) {}

static void memory_write(void)
{
    uint32_t at = next(2) * 4 % GUEST_BYTES, value = next(4);

    memcpy(guest_ram + at, &value, 4);
}

static void chain_offer(void)
{
    struct guest_piece piece[PIECES];
    uint32_t queue = next(1) % 2, first = next(1), count = 1 + next(1) % PIECES;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t shape = next(2);

        piece[i] = (struct guest_piece){next(2) * 8u, shape % 3000, (shape & 0x8000u) != 0};
    }
    guest_offer(queue, (uint16_t)(first % GUEST_QUEUE_ENTRIES), piece, count);
}

static void frame_receive(void)
{
    static uint8_t frame[WIRE_BYTES_MAX];

    (void)virtio_net_receive(frame, next(2) % (WIRE_BYTES_MAX + 1));
}

static void register_write(void)
{
    uint32_t offset = next(1), width = 1u << next(1) % 4;

    guest_common_write(offset, width, next(4));
    (void)guest_common_read(offset, width);
}

static void config_write(void)
{
    uint32_t offset = next(2) % (ECAM_SLOTS << 15), width = 1u << next(1) % 4;

    pci_memory_write(PCI_ECAM_BASE + offset, width, next(4));
    (void)pci_memory_read(PCI_ECAM_BASE + offset, width);
}

static void window_write(void)
{
    uint64_t at = PCI_WINDOW_BASE + next(2);
    uint32_t width = 1u << next(1) % 4;

    pci_memory_write(at, width, next(4));
    (void)pci_memory_read(at, width);
}

static void restart(void)
{
    if (guest_find()) {
        (void)guest_start(next(4), next(1) % 3);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const step[])(void) = {memory_write, chain_offer,  frame_receive, register_write,
                                         config_write, window_write, restart,       chain_offer};

    input.at = data;
    input.end = data + size;
    guest_clear();
    if (!virtio_net_add() || !guest_find()) {
        abort();
    }
    (void)guest_start(UINT32_MAX, 2);
    while (input.at < input.end) {
        uint32_t what = next(1);

        step[what % (sizeof step / sizeof step[0])]();
        if (what >= 128) {
            guest_notify(what % 2);
        }
    }
    return 0;
}
