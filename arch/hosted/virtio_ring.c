/* SPDX-License-Identifier: MIT */
/*
 * Split rings: taking chains of descriptors from the guest and handing them back. The guest's indices, descriptors and
 * addresses are read once each and checked before use; every loop is bounded by the ring or by VIRTIO_PIECES_MAX.
 * Invariant: a head is busy from take to finish, so that at most `entries` chains are out and each comes back once.
 */
#include <string.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/virtio_ring.h"

#define DESCRIPTOR_BYTES 16u
#define FLAG_NEXT 1u
#define FLAG_WRITE 2u
#define FLAG_INDIRECT 4u
#define AVAILABLE_NO_INTERRUPT 1u
#define RING_HEADER 4u /* flags and index before the entries, in both rings */
#define AVAILABLE_BYTES(entries) (RING_HEADER + 2 * (uint64_t)(entries) + 2)
#define USED_BYTES(entries) (RING_HEADER + 8 * (uint64_t)(entries) + 2)

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

/* A table being walked: the ring's own, or an indirect one. */
struct walk {
    const uint8_t *table;
    uint32_t entries;
    bool indirect;
};

static uint16_t load_16(const uint8_t *from)
{
    uint16_t value;

    memcpy(&value, from, sizeof value);
    return value;
}

static void store_16(uint8_t *to, uint16_t value) { memcpy(to, &value, sizeof value); }

static uint8_t *available_ring(const struct virtio_queue *q)
{
    return machine_memory(q->driver, AVAILABLE_BYTES(q->entries));
}

static uint8_t *used_ring(const struct virtio_queue *q)
{
    return machine_memory(q->device, USED_BYTES(q->entries));
}

bool virtio_queue_legal(const struct virtio_queue *q)
{
    return q->descriptors % 16 == 0 && q->driver % 2 == 0 && q->device % 4 == 0 &&
           machine_memory(q->descriptors, DESCRIPTOR_BYTES * q->entries) != NULL &&
           available_ring(q) != NULL && used_ring(q) != NULL;
}

bool virtio_queue_runs(const struct virtio_device *d, uint32_t queue)
{
    const uint8_t all = VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FEATURES_OK |
                        VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED;

    return queue < d->class->queues && d->queue[queue].enabled &&
           (d->status & all) == (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FEATURES_OK) &&
           pci_may_master(&d->pci);
}

/* ---- taking ---- */

/* Chains that wait; breaks the device when the guest's index is impossible. */
static uint32_t chains_waiting(struct virtio_device *d, struct virtio_queue *q)
{
    const uint8_t *available = available_ring(q);
    uint16_t waiting;

    if (available == NULL) {
        virtio_break(d, "the available ring is no memory of the driver's any more");
        return 0;
    }
    waiting = (uint16_t)(load_16(available + 2) - q->taken);
    if (waiting > q->entries) {
        virtio_break(d, "the available index is further ahead than the ring is long");
        return 0;
    }
    return waiting;
}

/* Nothing waits: the driver is to notify of the next chain. */
static void ask_for_notify(struct virtio_device *d, struct virtio_queue *q)
{
    uint8_t *used = used_ring(q);

    if (virtio_has_feature(d, VIRTIO_F_EVENT_INDEX) && used != NULL) {
        store_16(used + RING_HEADER + 8 * q->entries, q->taken);
    }
}

static struct descriptor descriptor_load(const uint8_t *table, uint32_t at)
{
    struct descriptor result;

    memcpy(&result, table + DESCRIPTOR_BYTES * at, sizeof result);
    return result;
}

/* Adds a descriptor's memory to the chain. Returns what is wrong with it; NULL: nothing. */
static const char *piece_add(struct virtio_chain *chain, const struct descriptor *piece)
{
    bool writable = (piece->flags & FLAG_WRITE) != 0;
    uint32_t count = chain->readable + chain->writable;
    uint8_t *at = machine_memory(piece->address, piece->length);

    if (piece->length == 0) {
        return "a descriptor has no bytes";
    }
    if (at == NULL) {
        return "a descriptor's memory is no memory of the driver's";
    }
    if (count == VIRTIO_PIECES_MAX) {
        return "a chain of descriptors is too long, or a loop";
    }
    if (!writable && chain->writable > 0) {
        return "a readable descriptor follows a writable one";
    }
    if (chain->readable_bytes + chain->writable_bytes + piece->length > VIRTIO_CHAIN_BYTES) {
        return "a chain of descriptors has too many bytes";
    }
    chain->iov[count] = (struct iovec){at, piece->length};
    *(writable ? &chain->writable : &chain->readable) += 1;
    *(writable ? &chain->writable_bytes : &chain->readable_bytes) += piece->length;
    return NULL;
}

/* Goes on in an indirect table. */
static const char *indirect_enter(struct virtio_device *d, struct walk *walk,
                                  const struct descriptor *piece)
{
    if (walk->indirect || !virtio_has_feature(d, VIRTIO_F_INDIRECT)) {
        return "an indirect table where none was agreed on";
    }
    if ((piece->flags & FLAG_NEXT) != 0) {
        return "an indirect descriptor has a next one";
    }
    if (piece->length == 0 || piece->length % DESCRIPTOR_BYTES != 0) {
        return "an indirect table has an impossible length";
    }
    walk->table = machine_memory(piece->address, piece->length);
    walk->entries = piece->length / DESCRIPTOR_BYTES;
    walk->indirect = true;
    return walk->table == NULL ? "an indirect table is no memory of the driver's" : NULL;
}

/* Follows a chain from its head. Returns what is wrong with it; NULL: nothing. */
static const char *chain_walk(struct virtio_device *d, const struct virtio_queue *q,
                              struct virtio_chain *chain)
{
    struct walk walk = {machine_memory(q->descriptors, DESCRIPTOR_BYTES * q->entries), q->entries,
                        false};
    struct descriptor piece = {0};
    uint32_t at = chain->head;
    const char *wrong;

    if (walk.table == NULL) {
        return "the descriptor table is no memory of the driver's any more";
    }
    do { /* each round adds a piece, enters the one indirect table, or ends */
        if (at >= walk.entries) {
            return "a descriptor's number is beyond its table";
        }
        piece = descriptor_load(walk.table, at);
        if ((piece.flags & FLAG_INDIRECT) != 0) {
            wrong = indirect_enter(d, &walk, &piece);
            at = 0;
            piece.flags = FLAG_NEXT;
        } else {
            wrong = piece_add(chain, &piece);
            at = piece.next;
        }
    } while (wrong == NULL && (piece.flags & FLAG_NEXT) != 0);
    return wrong;
}

static uint16_t head_next(const struct virtio_queue *q)
{
    const uint8_t *available = available_ring(q);

    return load_16(available + RING_HEADER + 2 * (q->taken % q->entries));
}

bool virtio_has_chain(struct virtio_device *d, uint32_t queue)
{
    if (!virtio_queue_runs(d, queue)) {
        return false;
    }
    if (chains_waiting(d, &d->queue[queue]) > 0) {
        return true;
    }
    ask_for_notify(d, &d->queue[queue]);
    return false;
}

bool virtio_take(struct virtio_device *d, uint32_t queue, struct virtio_chain *chain)
{
    struct virtio_queue *q;
    const char *wrong;

    if (!virtio_has_chain(d, queue)) {
        return false;
    }
    q = &d->queue[queue];
    chain->generation = d->generation;
    chain->queue = queue;
    chain->head = head_next(q);
    chain->readable = 0;
    chain->writable = 0;
    chain->readable_bytes = 0;
    chain->writable_bytes = 0;
    if (d->notifying && q->budget-- == 0) {
        wrong = "a ring is overwritten by what it asks for";
    } else if (chain->head >= q->entries) {
        wrong = "an available entry is beyond the descriptor table";
    } else if (q->busy[chain->head]) {
        wrong = "a chain is offered again before it was used";
    } else {
        wrong = chain_walk(d, q, chain);
    }
    if (wrong != NULL) {
        virtio_break(d, wrong);
        return false;
    }
    q->busy[chain->head] = true;
    q->taken++;
    return true;
}

/* ---- finishing ---- */

bool virtio_chain_stale(const struct virtio_device *d, const struct virtio_chain *chain)
{
    return chain->generation != d->generation || !virtio_queue_runs(d, chain->queue);
}

/* Whether the driver wants to be told that the used index moved on to q->used. */
static bool wants_interrupt(const struct virtio_device *d, struct virtio_queue *q)
{
    const uint8_t *available = available_ring(q);
    uint16_t event, before = q->signaled;

    if (available == NULL) {
        return false;
    }
    if (!virtio_has_feature(d, VIRTIO_F_EVENT_INDEX)) {
        return (load_16(available) & AVAILABLE_NO_INTERRUPT) == 0;
    }
    event = load_16(available + RING_HEADER + 2 * q->entries);
    q->signaled = q->used;
    return (uint16_t)(q->used - event - 1) < (uint16_t)(q->used - before);
}

void virtio_finish(struct virtio_device *d, const struct virtio_chain *chain, uint64_t written)
{
    struct virtio_queue *q;
    uint8_t *used;
    uint32_t entry[2];

    if (virtio_chain_stale(d, chain) || lie_now(LIE_SILENCE)) {
        return;
    }
    q = &d->queue[chain->queue];
    used = used_ring(q);
    if (used == NULL) {
        virtio_break(d, "the used ring is no memory of the driver's any more");
        return;
    }
    written = written < chain->writable_bytes ? written : chain->writable_bytes;
    entry[0] = (uint32_t)lie_value(LIE_ID, chain->head);
    entry[1] = (uint32_t)lie_value(LIE_LENGTH, written);
    memcpy(used + RING_HEADER + 8 * (q->used % q->entries), entry, sizeof entry);
    q->used++;
    q->busy[chain->head] = false;
    store_16(used + 2, (uint16_t)lie_value(LIE_INDEX, q->used));
    if (wants_interrupt(d, q)) {
        virtio_interrupt(d, q->vector, false);
    }
}

/* ---- what is in a chain ---- */

/* Bytes [offset, offset + bytes) of some pieces as pieces. */
static uint32_t pieces_slice(const struct iovec *from, uint32_t count, uint64_t offset,
                             uint64_t bytes, struct iovec *to)
{
    uint32_t result = 0;

    for (uint32_t i = 0; i < count && bytes > 0; i++) {
        uint64_t length = from[i].iov_len;

        if (offset >= length) {
            offset -= length;
            continue;
        }
        length = length - offset < bytes ? length - offset : bytes;
        to[result++] = (struct iovec){(uint8_t *)from[i].iov_base + offset, length};
        bytes -= length;
        offset = 0;
    }
    return result;
}

uint32_t virtio_chain_readable(const struct virtio_chain *chain, uint64_t offset, uint64_t bytes,
                               struct iovec *to)
{
    return pieces_slice(chain->iov, chain->readable, offset, bytes, to);
}

uint32_t virtio_chain_writable(const struct virtio_chain *chain, uint64_t offset, uint64_t bytes,
                               struct iovec *to)
{
    return pieces_slice(chain->iov + chain->readable, chain->writable, offset, bytes, to);
}

size_t virtio_chain_read(const struct virtio_chain *chain, uint64_t offset, void *to, size_t bytes)
{
    struct iovec piece[VIRTIO_PIECES_MAX];
    uint32_t count = virtio_chain_readable(chain, offset, bytes, piece);
    size_t done = 0;

    for (uint32_t i = 0; i < count; i++) {
        memcpy((uint8_t *)to + done, piece[i].iov_base, piece[i].iov_len);
        done += piece[i].iov_len;
    }
    return done;
}

size_t virtio_chain_write(const struct virtio_chain *chain, uint64_t offset, const void *from,
                          size_t bytes)
{
    struct iovec piece[VIRTIO_PIECES_MAX];
    uint32_t count = virtio_chain_writable(chain, offset, bytes, piece);
    size_t done = 0;

    for (uint32_t i = 0; i < count; i++) {
        memcpy(piece[i].iov_base, (const uint8_t *)from + done, piece[i].iov_len);
        done += piece[i].iov_len;
    }
    return done;
}
