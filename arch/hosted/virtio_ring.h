/* SPDX-License-Identifier: MIT */
/*
 * Between virtio.c (registers) and virtio_ring.c (rings). Models include virtio.h alone,
 * but one whose input comes by itself asks virtio_queue_runs.
 */
#ifndef HOSTED_VIRTIO_RING_H
#define HOSTED_VIRTIO_RING_H

#include "arch/hosted/virtio.h"

#define VIRTIO_F_INDIRECT 28u
#define VIRTIO_F_EVENT_INDEX 29u
#define VIRTIO_F_VERSION_1 32u

#define VIRTIO_STATUS_DRIVER_OK 4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED 128u

/* True if all three parts of the ring are aligned and in memory the device may use. */
bool virtio_queue_legal(const struct virtio_queue *q);

/* True if the device may use this ring now: enabled, started, not broken, and allowed to be a bus master. */
bool virtio_queue_runs(const struct virtio_device *d, uint32_t queue);

/* Raises a queue's vector or the config vector, or the INTx pin with its status bit. */
void virtio_interrupt(struct virtio_device *d, uint32_t vector, bool config);

#endif
