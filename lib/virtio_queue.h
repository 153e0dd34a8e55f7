/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues as virtio 1.x defines them, the memory part alone: no device register is touched
 * here, so that tests and the fuzzer play the device.
 *
 * A queue is cut into slots of stride descriptors each; a request takes one slot, and slot s begins
 * at descriptor s * stride. So nothing has to be searched or linked, and descriptors that never
 * change are written once. The driver fills the descriptors of a slot (virtio_queue_table), puts the
 * slot, and gets its number back when the device is done.
 *
 * The device is not trusted. Only the used ring is ever read, each word once; what it says is
 * checked against the driver's own record: a slot that is not with the device, more bytes than were
 * writable, or an index that runs ahead is a lie. Then q->lie says which, and the queue gives
 * nothing more until it is set up anew.
 */
#ifndef LIB_VIRTIO_QUEUE_H
#define LIB_VIRTIO_QUEUE_H

#include <stdint.h>

#define VIRTIO_QUEUE_MAX 256u /* descriptors: a page */

#define VIRTIO_DESC_NEXT 1u
#define VIRTIO_DESC_WRITE 2u /* the device writes it */
#define VIRTIO_DESC_INDIRECT 4u

struct virtio_desc {
    uint64_t address; /* physical */
    uint32_t bytes;
    uint16_t flags;
    uint16_t next;
};

struct virtio_avail {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[VIRTIO_QUEUE_MAX];
    uint16_t used_event_at_256; /* used_event lies behind the ring in use */
};

struct virtio_used_entry {
    uint32_t id;
    uint32_t bytes;
};

struct virtio_used {
    uint16_t flags;
    uint16_t index;
    struct virtio_used_entry ring[VIRTIO_QUEUE_MAX];
    uint16_t avail_event_at_256;
};

/* A queue's memory: two pages, each physically contiguous in itself. */
struct virtio_rings {
    struct virtio_desc desc[VIRTIO_QUEUE_MAX];
    struct virtio_avail avail;
    uint16_t unused[1536 / 2 - sizeof(struct virtio_avail) / 2];
    struct virtio_used used;
    uint16_t rest[(4096 - 1536) / 2 - sizeof(struct virtio_used) / 2];
};
#define VIRTIO_AVAIL_OFFSET 0u   /* in the second page */
#define VIRTIO_USED_OFFSET 1536u /* in the second page */
_Static_assert(sizeof(struct virtio_rings) == 2 * 4096, "a queue takes two pages");

struct virtio_queue {
    struct virtio_rings *rings;
    const char *lie;                     /* NULL, or in words what the device did wrong */
    uint32_t size;                       /* descriptors, a power of two */
    uint32_t stride;                     /* descriptors a slot, a power of two */
    uint32_t slots;                      /* size / stride */
    uint32_t event_on;                   /* VIRTIO_F_RING_EVENT_IDX was negotiated */
    uint16_t put;                        /* into the avail ring so far */
    uint16_t told;                       /* of them, when the device was last asked to look */
    uint16_t taken;                      /* from the used ring so far */
    uint16_t number;                     /* for the transport: which queue, */
    uint64_t notify;                     /* and the address of its doorbell */
    uint8_t busy[VIRTIO_QUEUE_MAX];      /* slot: with the device; 2: and was at the last watch */
    uint32_t writable[VIRTIO_QUEUE_MAX]; /* slot: bytes the device may write */
};

/* Begins with empty rings. size and stride are powers of two, stride <= size <= VIRTIO_QUEUE_MAX. */
void virtio_queue_begin(struct virtio_queue *q, struct virtio_rings *rings, uint32_t size,
                        uint32_t stride, int event_on);

/* The slot's descriptors in the ring; the first one's number is slot * q->stride. */
static inline struct virtio_desc *virtio_queue_table(struct virtio_queue *q, uint32_t slot)
{
    return &q->rings->desc[slot * q->stride];
}

/* Hands a slot to the device, which may write that many bytes; it sees it with the next publish. */
void virtio_queue_put(struct virtio_queue *q, uint32_t slot, uint32_t writable);

/* Shows the device what was put. 1: it wants to be notified. */
int virtio_queue_publish(struct virtio_queue *q);

/* The next slot the device is done with, and how many bytes it wrote: 1; 0: none; -1: it lied. */
int virtio_queue_take(struct virtio_queue *q, uint32_t *slot, uint32_t *bytes);

/* Asks for an interrupt when the device is done with `more` further slots (1: the next). 1: it is
   already, take them first; 0: one will come. */
int virtio_queue_listen(struct virtio_queue *q, uint32_t more);

/* Wants no interrupts for now; some may come. */
void virtio_queue_quiet(struct virtio_queue *q);

/* Called now and then, after taking what is done: 1: slots are with the device; 0: none; -1: one was
   already the last time, so the device does not answer it (q->lie). */
int virtio_queue_watch(struct virtio_queue *q);

/* Slots with the device. */
static inline uint32_t virtio_queue_busy(const struct virtio_queue *q)
{
    return (uint16_t)(q->put - q->taken);
}

#endif
