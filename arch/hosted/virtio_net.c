/* SPDX-License-Identifier: MIT */
/*
 * The virtio-net model. A frame lies behind a header of 12 bytes in a chain of any shape; a header that asks for what was
 * not offered, and a chain too short for it, are a driver's error and stop the device. A frame no Ethernet would carry is
 * dropped and its chain given back.
 */
#include <stddef.h>
#include <string.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/virtio_net.h"
#include "arch/hosted/virtio_ring.h"
#include "arch/hosted/wire.h"

#define FEATURE_MAC 5u
#define FEATURE_STATUS 16u
#define CONFIG_STATUS 6u /* offset of status in config, after the hardware address */
#define CONFIG_BYTES 8u
#define STATUS_LINK_UP 1u
#define FRAME_LEAST 14u /* an Ethernet header */

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, QUEUES };

/* struct virtio_net_hdr of virtio 1.x */
#define HEADER_BYTES 12u
#define HEADER_FLAGS 0u   /* a byte: checksums to be made */
#define HEADER_GSO 1u     /* a byte: packets to be cut */
#define HEADER_BUFFERS 10 /* two bytes: chains a received frame takes */

static struct virtio_device net;

/* The same as QEMU's. */
static const uint8_t address[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static void transmit(struct virtio_device *d, const struct virtio_chain *chain)
{
    static uint8_t frame[WIRE_BYTES_MAX];
    uint8_t header[HEADER_BYTES];
    uint64_t bytes = chain->readable_bytes - HEADER_BYTES;

    if (virtio_chain_read(chain, 0, header, HEADER_BYTES) < HEADER_BYTES) {
        virtio_break(d, "a frame to send is shorter than its header");
        return;
    }
    if (header[HEADER_FLAGS] != 0 || header[HEADER_GSO] != 0) {
        virtio_break(d, "a frame to send asks for an offload that was not agreed on");
        return;
    }
    if (bytes >= FRAME_LEAST && bytes <= sizeof frame) {
        (void)virtio_chain_read(chain, HEADER_BYTES, frame, bytes);
        network_transmit(frame, (uint32_t)bytes);
    }
    virtio_finish(d, chain, 0);
}

static void notify(struct virtio_device *d, uint32_t queue)
{
    static struct virtio_chain chain;

    if (queue == QUEUE_RECEIVE) {
        network_room();
    }
    while (queue == QUEUE_TRANSMIT && virtio_take(d, QUEUE_TRANSMIT, &chain)) {
        transmit(d, &chain);
    }
}

bool virtio_net_receive(const uint8_t *frame, uint32_t bytes)
{
    static struct virtio_chain chain;
    uint8_t header[HEADER_BYTES] = {0};

    if (!virtio_queue_runs(&net, QUEUE_RECEIVE)) {
        return true;
    }
    if (!virtio_take(&net, QUEUE_RECEIVE, &chain)) {
        return !virtio_queue_runs(
            &net, QUEUE_RECEIVE); /* taking may find that the driver broke the rules */
    }
    if (chain.writable_bytes < (uint64_t)HEADER_BYTES + bytes) {
        virtio_break(&net, "a buffer for receiving is too short for a frame");
        return true;
    }
    header[HEADER_BUFFERS] = (uint8_t)lie_value(LIE_STATUS, 1);
    (void)virtio_chain_write(&chain, 0, header, HEADER_BYTES);
    (void)virtio_chain_write(&chain, HEADER_BYTES, frame, bytes);
    virtio_finish(&net, &chain, HEADER_BYTES + bytes);
    return true;
}

bool virtio_net_add(void)
{
    static const struct virtio_class class = {.name = "virtio-net",
                                              .type = VIRTIO_NET,
                                              .pci_class = 0x020000,
                                              .queues = QUEUES,
                                              .queue_entries = VIRTIO_QUEUE_ENTRIES,
                                              .features = 1u << FEATURE_MAC | 1u << FEATURE_STATUS,
                                              .config_bytes = CONFIG_BYTES,
                                              .notify = notify};

    net = (struct virtio_device){0};
    memcpy(net.config, address, sizeof address);
    net.config[CONFIG_STATUS] = STATUS_LINK_UP;
    return virtio_add(&net, &class, NULL);
}
