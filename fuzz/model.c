/* SPDX-License-Identifier: MIT */
/* Steps of a driver that does anything; see model.h. */
#include <string.h>

#include "fuzz/model.h"
#include "tests/unit/virtio_guest.h"

#define PIECES 4u
#define ECAM_SLOTS 2u /* the device's page of config space, and the next, where nothing is */

static struct {
    const uint8_t *at, *end;
} input;

void model_input(const uint8_t *data, size_t size)
{
    input.at = data;
    input.end = data + size;
}

int model_more(void) { return input.at < input.end; }

uint32_t model_next(uint32_t bytes)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < bytes && input.at < input.end; i++) {
        value = value << 8 | *input.at++;
    }
    return value;
}

static void memory_write(void)
{
    uint32_t at = model_next(2) * 4 % GUEST_BYTES, value = model_next(4);

    memcpy(guest_ram + at, &value, 4);
}

static void chain_offer(uint32_t queues, uint32_t piece_bytes)
{
    struct guest_piece piece[PIECES];
    uint32_t queue = model_next(1) % queues, first = model_next(1);
    uint32_t count = 1 + model_next(1) % PIECES;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t shape = model_next(2);

        piece[i] = (struct guest_piece){model_next(2) * 8u, (shape & 0x7fffu) % piece_bytes,
                                        (shape & 0x8000u) != 0};
    }
    guest_offer(queue, (uint16_t)(first % GUEST_QUEUE_ENTRIES), piece, count);
}

static void register_write(void)
{
    uint32_t offset = model_next(1), width = 1u << model_next(1) % 4;

    guest_common_write(offset, width, model_next(4));
    (void)guest_common_read(offset, width);
}

static void config_write(void)
{
    uint32_t offset = model_next(2) % (ECAM_SLOTS << 15), width = 1u << model_next(1) % 4;

    pci_memory_write(PCI_ECAM_BASE + offset, width, model_next(4));
    (void)pci_memory_read(PCI_ECAM_BASE + offset, width);
}

static void window_write(void)
{
    uint64_t at = PCI_WINDOW_BASE + model_next(2);
    uint32_t width = 1u << model_next(1) % 4;

    pci_memory_write(at, width, model_next(4));
    (void)pci_memory_read(at, width);
}

static void restart(uint32_t queues)
{
    if (guest_find()) {
        (void)guest_start(model_next(4), model_next(1) % (queues + 1));
    }
}

void model_step(uint32_t what, uint32_t queues, uint32_t piece_bytes)
{
    switch (what) {
    case 0:
        memory_write();
        break;
    case 1:
        register_write();
        break;
    case 2:
        config_write();
        break;
    case 3:
        window_write();
        break;
    case 4:
        restart(queues);
        break;
    default:
        chain_offer(queues, piece_bytes);
        break;
    }
}
