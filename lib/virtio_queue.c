/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues; see virtio_queue.h. Shared words are read and written by single atomic accesses,
 * so that the compiler neither repeats nor tears them.
 */
#include "lib/virtio_queue.h"
#include <stddef.h>

#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY 1u

#define PEEK(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define POKE(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)

/* Where the index lies at which the driver wants an interrupt: behind the avail ring in use. */
static uint16_t *used_event(struct virtio_queue *q)
{
    return q->size == VIRTIO_QUEUE_MAX ? &q->rings->avail.used_event_at_256
                                       : &q->rings->avail.ring[q->size];
}

/* Where the device says at which index it wants a notification. */
static uint16_t avail_event(const struct virtio_queue *q)
{
    if (q->size == VIRTIO_QUEUE_MAX)
        return PEEK(q->rings->used.avail_event_at_256);
    return (uint16_t)PEEK(q->rings->used.ring[q->size].id);
}

void virtio_queue_begin(struct virtio_queue *q, struct virtio_rings *rings, uint32_t size,
                        uint32_t stride, int event_on)
{
    q->rings = rings;
    q->lie = NULL;
    q->size = size;
    q->stride = stride;
    q->slots = size / stride;
    q->event_on = event_on != 0;
    q->put = q->told = q->taken = 0;
    for (uint32_t slot = 0; slot < VIRTIO_QUEUE_MAX; slot++) {
        q->busy[slot] = 0;
        q->writable[slot] = 0;
        rings->desc[slot] = (struct virtio_desc){0};
        rings->avail.ring[slot] = 0;
        rings->used.ring[slot] = (struct virtio_used_entry){0};
    }
    rings->avail.flags = rings->avail.index = rings->avail.used_event_at_256 = 0;
    rings->used.flags = rings->used.index = rings->used.avail_event_at_256 = 0;
}

void virtio_queue_put(struct virtio_queue *q, uint32_t slot, uint32_t writable)
{
    q->busy[slot] = 1;
    q->writable[slot] = writable;
    POKE(q->rings->avail.ring[q->put & (q->size - 1)], (uint16_t)(slot * q->stride));
    q->put++;
}

int virtio_queue_publish(struct virtio_queue *q)
{
    uint16_t before = q->told;
    if (q->put == before)
        return 0;
    q->told = q->put;
    __atomic_store_n(&q->rings->avail.index, q->put, __ATOMIC_RELEASE);
    /* The device's wish is read after the index is seen, or both sides could miss each other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!q->event_on)
        return (PEEK(q->rings->used.flags) & USED_NO_NOTIFY) == 0;
    return (uint16_t)(q->put - avail_event(q) - 1) < (uint16_t)(q->put - before);
}

static int lie(struct virtio_queue *q, const char *what)
{
    q->lie = what;
    return -1;
}

int virtio_queue_take(struct virtio_queue *q, uint32_t *slot, uint32_t *bytes)
{
    if (q->lie != NULL)
        return -1;
    uint16_t index = __atomic_load_n(&q->rings->used.index, __ATOMIC_ACQUIRE);
    if (index == q->taken)
        return 0;
    if ((uint16_t)(index - q->taken) > (uint16_t)(q->told - q->taken))
        return lie(q, "it says to be done with more requests than it was given");
    const struct virtio_used_entry *entry = &q->rings->used.ring[q->taken & (q->size - 1)];
    uint32_t id = PEEK(entry->id), wrote = PEEK(entry->bytes);
    uint32_t number = id / q->stride;
    if (id % q->stride != 0 || number >= q->slots || q->busy[number] == 0)
        return lie(q, "it says to be done with a request it was not given");
    if (wrote > q->writable[number])
        return lie(q, "it says to have written more than there was room for");
    q->busy[number] = 0;
    q->taken++;
    *slot = number;
    *bytes = wrote;
    return 1;
}

int virtio_queue_watch(struct virtio_queue *q)
{
    if (q->lie != NULL)
        return -1;
    for (uint32_t slot = 0; slot < q->slots; slot++) {
        if (q->busy[slot] > 1)
            return lie(q, "it does not answer a request");
        q->busy[slot] = q->busy[slot] != 0 ? 2 : 0;
    }
    return virtio_queue_busy(q) > 0;
}

int virtio_queue_listen(struct virtio_queue *q, uint32_t more)
{
    POKE(q->rings->avail.flags, 0);
    POKE(*used_event(q), (uint16_t)(q->taken + more - 1));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint16_t done = (uint16_t)(PEEK(q->rings->used.index) - q->taken);
    return done != 0 && done >= more;
}

/* With event indices an interrupt comes only when the index asked for is passed, and the old one
   has been. */
void virtio_queue_quiet(struct virtio_queue *q)
{
    if (!q->event_on)
        POKE(q->rings->avail.flags, AVAIL_NO_INTERRUPT);
}
