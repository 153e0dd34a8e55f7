/* SPDX-License-Identifier: MIT */
/*
 * Where a virtio device has its registers: the reader of the vendor capabilities in its PCI
 * configuration space. Trusts nothing there: what it accepts lies within the device's BARs.
 */
#ifndef LIB_VIRTIO_PLACES_H
#define LIB_VIRTIO_PLACES_H

#include <stdint.h>

#define VIRTIO_BARS 6u

/* Reads bytes of configuration space, at most VIRTIO_CAPABILITY_BYTES, offset and number multiples of
   4; 0, or an error. */
typedef int64_t virtio_config_reader(void *context, uint32_t offset, uint32_t bytes, void *to);
#define VIRTIO_CAPABILITY_BYTES 20u

struct virtio_place {
    uint32_t bar;
    uint32_t offset;
    uint32_t bytes; /* 0: the device has no such registers */
};

struct virtio_places {
    struct virtio_place common;
    struct virtio_place notify;
    struct virtio_place isr;
    struct virtio_place device;
    uint32_t notify_step; /* bytes between doorbells */
};

#define VIRTIO_COMMON_BYTES 56u

/* bar_bytes: how much of each BAR is mapped, 0 where nothing is. NULL, or in words what is wrong. */
const char *virtio_places_read(virtio_config_reader *read, void *context,
                               const uint64_t bar_bytes[VIRTIO_BARS], struct virtio_places *places);

#endif
