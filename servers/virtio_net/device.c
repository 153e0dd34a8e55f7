/* SPDX-License-Identifier: MIT */
/*
 * The device (virtio 1.2, 5.1): a queue to receive, one to transmit, no offloads. Before each frame
 * lies a header of 12 bytes, which without offloads says nothing: it is zero when sent, and what the
 * device writes there is not looked at.
 *
 * Receive buffer b has slot b of its queue for good, so its descriptor is written once.
 */
#include "net.h"
#include <stddef.h>

#define FEATURE_MAC (1ul << 5)
#define FEATURE_STATUS (1ul << 16)
#define CONFIG_MAC 0u
#define CONFIG_STATUS 6u
#define STATUS_LINK_UP 1u
#define HEADER 12u
#define HEADER_START (FRAMES_START - HEADER)
#define RECEIVE_BYTES (HEADER + FRAMES_BYTES_MAX)

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT };

struct ether ether;

static uint64_t physical_of(uint32_t buffer)
{
    return ether.physical[buffer / 2] + buffer % 2 * FRAMES_BUFFER + HEADER_START;
}

static void buffers_make(void)
{
    void *pages = virtio_dma(&ether.device, FRAMES_BUFFERS / 2, ether.physical);
    if (pages == NULL)
        virtio_fail(&ether.device, "there is no memory for its frames");
    ether.pages_va = (uintptr_t)pages;
    for (uint32_t b = 0; b < FRAMES_RECEIVE && b < ether.receive.slots; b++)
        *virtio_queue_table(&ether.receive, b) =
            (struct virtio_desc){physical_of(b), RECEIVE_BYTES, VIRTIO_DESC_WRITE, 0};
    for (uint32_t s = 0; s < FRAMES_TRANSMIT && s < ether.transmit.slots; s++)
        ether.slot[ether.slots_free++] = (uint16_t)s;
}

#define MAC_GROUP 1u /* in its first byte */

/* Its own address; a device without one gets one that is marked as locally given. */
static uint64_t mac_read(void)
{
    uint64_t mac = 0;
    if (!virtio_has(&ether.device, FEATURE_MAC))
        return (atm_clock().r[0] << 16 | 0x02) & 0xffffffffffff;
    for (uint32_t i = 0; i < 6; i++)
        mac |= virtio_config(&ether.device, CONFIG_MAC + i, 1) << i * 8;
    if (mac == 0 || (mac & MAC_GROUP) != 0)
        virtio_fail(&ether.device, "its hardware address is none of a single card");
    return mac;
}

int64_t ether_open(const struct virtio_signals *signals)
{
    struct virtio_device *d = &ether.device;
    int64_t status = virtio_open(d, VIRTIO_NET);
    if (status != 0)
        return status;
    virtio_negotiate(d, FEATURE_MAC | FEATURE_STATUS);
    ether.mac = mac_read();
    virtio_interrupts(d, signals);
    virtio_queue_make(d, &ether.receive, QUEUE_RECEIVE, VIRTIO_QUEUE_MAX, 1);
    virtio_queue_make(d, &ether.transmit, QUEUE_TRANSMIT, VIRTIO_QUEUE_MAX, 1);
    buffers_make();
    virtio_ready(d);
    return 0;
}

int ether_link(void)
{
    return !virtio_has(&ether.device, FEATURE_STATUS) ||
           (virtio_config(&ether.device, CONFIG_STATUS, 2) & STATUS_LINK_UP) != 0;
}

/* A buffer for which the device's queue has no room stays here. */
void ether_receive_put(uint32_t buffer)
{
    if (buffer >= ether.receive.slots)
        return;
    ether.place[buffer] = BUFFER_DEVICE;
    virtio_queue_put(&ether.receive, buffer, RECEIVE_BYTES);
}

int ether_hungry(void) { return virtio_queue_busy(&ether.receive) <= ether.receive.slots / 2; }

static int take(struct virtio_queue *q, uint32_t *slot, uint32_t *bytes)
{
    int taken = virtio_queue_take(q, slot, bytes);
    if (taken < 0)
        virtio_fail(&ether.device, q->lie);
    return taken;
}

/* What is too short for a frame is thrown away. */
int ether_receive_take(uint32_t *buffer, uint32_t *bytes)
{
    while (take(&ether.receive, buffer, bytes)) {
        ether.place[*buffer] = BUFFER_HERE;
        if (*bytes >= HEADER + FRAMES_BYTES_MIN) {
            *bytes -= HEADER;
            return 1;
        }
        ether_receive_put(*buffer);
    }
    return 0;
}

void ether_transmit_put(uint32_t buffer, uint32_t bytes)
{
    uint32_t slot = ether.slot[--ether.slots_free];
    uint64_t header = ether.pages_va + (uint64_t)buffer * FRAMES_BUFFER + HEADER_START;
    for (uint32_t i = 0; i < HEADER; i += 2)
        *(volatile uint16_t *)(uintptr_t)(header + i) = 0;
    *virtio_queue_table(&ether.transmit, slot) =
        (struct virtio_desc){physical_of(buffer), HEADER + bytes, 0, 0};
    ether.place[buffer] = BUFFER_DEVICE;
    ether.slot_buffer[slot] = (uint16_t)buffer;
    virtio_queue_put(&ether.transmit, slot, 0);
}

int ether_transmit_take(uint32_t *buffer)
{
    uint32_t slot, bytes;
    if (!take(&ether.transmit, &slot, &bytes))
        return 0;
    ether.slot[ether.slots_free++] = (uint16_t)slot;
    *buffer = ether.slot_buffer[slot];
    ether.place[*buffer] = BUFFER_HERE;
    return 1;
}

void ether_notify(void)
{
    virtio_notify(&ether.receive);
    virtio_notify(&ether.transmit);
}

/* Sent buffers can wait for the next received frame, unless most are with the device. */
int ether_listen(void)
{
    uint32_t sending = virtio_queue_busy(&ether.transmit);
    if (sending > ether.transmit.slots / 2 && virtio_queue_listen(&ether.transmit, sending / 2))
        return 1;
    return virtio_queue_listen(&ether.receive, 1);
}
