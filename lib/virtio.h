/* SPDX-License-Identifier: MIT */
/*
 * Virtio 1.x devices over modern PCI, for drivers: opening, feature negotiation, queues, interrupts,
 * DMA memory. The device is not trusted; lib/virtio_queue.h says how its answers are checked, and
 * every value read from its registers is checked here before it is used.
 *
 * A driver opens the device, negotiates, makes its queues, declares itself ready, and runs. What it
 * cannot go on after (virtio_fail) ends it: its parent starts it anew, and the PCI server resets the
 * device in between.
 */
#ifndef LIB_VIRTIO_H
#define LIB_VIRTIO_H

#include "lib/mmio.h"
#include "lib/pci.h"
#include "lib/virtio_places.h"
#include "lib/virtio_queue.h"

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_DEVICE(type) (0x1040u + (type))
enum virtio_type { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_RNG = 4, VIRTIO_9P = 9 };

/* Features every device may offer. */
#define VIRTIO_F_INDIRECT_DESC (1ul << 28)
#define VIRTIO_F_EVENT_IDX (1ul << 29)
#define VIRTIO_F_VERSION_1 (1ul << 32)

struct virtio_device {
    struct pci_device pci;
    struct virtio_places places;
    uint8_t status;           /* as it was written */
    uint64_t features;        /* negotiated */
    uint64_t dma_next;        /* where virtio_dma maps next */
    uint32_t idle_interrupts; /* by wire, without a reason, in a row */
    int watched;              /* 1: the watching thread will signal */
    uint16_t config_vector;   /* of a change of its registers; queues have 0 */
};

/* Opens the program's device (its only one): 0, PCI_ABSENT when there is none; any other failure is
   told and ends the program. */
int64_t virtio_open(struct virtio_device *d, enum virtio_type type);

/* Agrees on features: VERSION_1 and those of wanted that the device offers, plus event indices and
   indirect descriptors. Ends the program when the device does not accept. */
void virtio_negotiate(struct virtio_device *d, uint64_t wanted);

static inline int virtio_has(const struct virtio_device *d, uint64_t feature)
{
    return (d->features & feature) != 0;
}

/* From now on interrupts of the queues set queue_bits on endpoint, and a change of the device's own
   registers (or, where it has a single interrupt, any) config_bits. */
struct virtio_signals {
    uint64_t endpoint;
    uint64_t queue_bits;
    uint64_t config_bits; /* 0: of no interest */
};
void virtio_interrupts(struct virtio_device *d, const struct virtio_signals *signals);

/* Makes queue number with at most size descriptors, in slots of stride. */
void virtio_queue_make(struct virtio_device *d, struct virtio_queue *q, uint16_t number,
                       uint32_t size, uint32_t stride);

/* The device may begin; ends the program when it does not. */
void virtio_ready(struct virtio_device *d);

/* One of the device's own registers, 1, 2, 4 or 8 bytes wide (8 as two of 4); one that the device
   does not have reads as 0. */
uint64_t virtio_config(struct virtio_device *d, uint32_t offset, uint32_t width);

/* Lets interrupts come again: after the bits of a queue or of the configuration arrived. */
void virtio_queue_ack(struct virtio_device *d);
void virtio_config_ack(struct virtio_device *d);

/* Fresh zeroed pages that the device may access; physical gets the address of each. NULL: there is
   no more memory. They are kept for good. */
void *virtio_dma(struct virtio_device *d, uint64_t pages, uint64_t *physical);

/* Stops the device: when this returns it touches no memory any more. */
void virtio_stop(struct virtio_device *d);

/*
 * A device that does not answer. virtio_watch_begin makes a thread that sleeps; virtio_watch_arm, to
 * be called while requests are with the device, has it set bits on the driver's endpoint
 * VIRTIO_PATIENCE_NS later. Then the driver takes what is done and asks virtio_watch about each queue
 * that has to be answered soon, which ends the program when a request was there the last time
 * already. So a watched request costs nothing, as a deadline at each wait would.
 */
#define VIRTIO_PATIENCE_NS 10000000000ul
void virtio_watch_begin(struct virtio_device *d, uint64_t endpoint, uint64_t bits);
void virtio_watch_arm(struct virtio_device *d);
void virtio_watch(struct virtio_device *d, struct virtio_queue *q);

/* Says why the driver cannot go on, stops the device and ends the program. */
_Noreturn void virtio_fail(struct virtio_device *d, const char *what);

/* Shows the device what was put, and rings the doorbell if it asked for that. */
static inline void virtio_notify(struct virtio_queue *q)
{
    if (virtio_queue_publish(q))
        mmio_write16(q->notify, q->number);
}

#endif
