/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the virtio-net model and the virtio transport under a driver that does anything: any bytes in its
 * rings and buffers, any register written, frames that arrive at any moment. No frame beyond the longest reaches the cable,
 * and nothing outside guest memory is touched, which ASan sees.
 */
#include <stdlib.h>

#include "arch/hosted/virtio_net.h"
#include "arch/hosted/wire.h"
#include "fuzz/model.h"
#include "tests/unit/virtio_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUEUES 2u
#define PIECE_BYTES 3000u

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

static void frame_receive(void)
{
    static uint8_t frame[WIRE_BYTES_MAX];

    (void)virtio_net_receive(frame, model_next(2) % (WIRE_BYTES_MAX + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    model_input(data, size);
    guest_clear();
    if (!virtio_net_add() || !guest_find()) {
        abort();
    }
    (void)guest_start(UINT32_MAX, QUEUES);
    while (model_more()) {
        uint32_t what = model_next(1);

        if (what % (MODEL_STEPS + 1) == MODEL_STEPS) {
            frame_receive();
        } else {
            model_step(what % (MODEL_STEPS + 1), QUEUES, PIECE_BYTES);
        }
        if (what >= 128) {
            guest_notify(what % QUEUES);
        }
    }
    return 0;
}
