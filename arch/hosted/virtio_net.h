/* SPDX-License-Identifier: MIT */
/*
 * virtio-net of the hosted machine: one pair of rings, no offloads, link up. It builds on virtio.h and on what the other
 * end of the cable provides: network.c in the machine, the test in its unit test.
 */
#ifndef HOSTED_VIRTIO_NET_H
#define HOSTED_VIRTIO_NET_H

#include <stdbool.h>
#include <stdint.h>

/* Makes the device. False: no slot is left on the bus. */
bool virtio_net_add(void);

/* A frame arrives. False: the guest has no buffer for it now; virtio_net_has_room follows when it has. What a guest that
   is not running, or broken, is sent is gone: true. */
bool virtio_net_receive(const uint8_t *frame, uint32_t bytes);

/* ---- what the other end provides ---- */

/* The guest sends a frame of WIRE_BYTES_MAX bytes at most. */
void network_transmit(const uint8_t *frame, uint32_t bytes);
/* The guest put buffers for receiving into its ring. */
void network_room(void);

#endif
