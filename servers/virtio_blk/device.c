/* SPDX-License-Identifier: MIT */
/*
 * Requests at the device (virtio 1.2, 5.2). Each slot has a KiB of DMA memory: the request's header,
 * its status, and an indirect table of descriptors. Neighbouring transfers of a job in one direction
 * become one request, and each buffer page one descriptor, or fewer where pages are neighbours.
 *
 * Without indirect descriptors a slot is a run of descriptors in the ring.
 */
#include "blk.h"
#include <errno.h>
#include <stddef.h>

#define FEATURE_SEG_MAX (1ul << 2)
#define FEATURE_READ_ONLY (1ul << 5)
#define FEATURE_FLUSH (1ul << 9)
#define FEATURE_DISCARD (1ul << 13)

enum config_offset { CAPACITY = 0, SEG_MAX = 12, DISCARD_SECTORS_MAX = 36 };
enum request_status { STATUS_OK, STATUS_IO_ERROR, STATUS_UNSUPPORTED, STATUS_NONE = 0xff };

#define SLOTS 64u
#define TABLE 60u        /* descriptors of an indirect table */
#define DIRECT_STRIDE 8u /* descriptors of a slot without one */
#define SLOT_BYTES 1024u

/* A slot's DMA memory. */
struct slot_page {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint64_t discard_sector; /* data of a discard */
    uint32_t discard_sectors;
    uint32_t discard_flags;
    uint8_t status;
    uint8_t unused[31];
    struct virtio_desc table[TABLE];
};
_Static_assert(sizeof(struct slot_page) == SLOT_BYTES, "four slots a page");

struct slot {
    struct slot_page *page;
    struct virtio_desc *table;
    uint64_t physical; /* of page */
    struct job *job;
    uint64_t requests; /* bit i: transfer i of the job is in it, or part of it */
    uint32_t base;     /* number of the first descriptor */
    uint32_t expect;   /* bytes the device has to write */
};

/* A request as it is put together. What the device could change meanwhile is not read back. */
struct build {
    struct slot *slot;
    uint32_t count;  /* data descriptors */
    uint32_t bytes;  /* of data */
    uint64_t sector; /* behind its last one */
    uint64_t end;    /* physical address behind the last descriptor's data */
    uint32_t piece;  /* bytes of that descriptor */
};

struct disk disk;
static struct slot slots[SLOTS];
static uint32_t free_slots[SLOTS], free_count;

static void slots_make(void)
{
    uint64_t physical[SLOTS * SLOT_BYTES / PAGE_SIZE];
    int indirect = virtio_has(&disk.device, VIRTIO_F_INDIRECT_DESC);
    unsigned char *memory = virtio_dma(&disk.device, SLOTS * SLOT_BYTES / PAGE_SIZE, physical);
    if (memory == NULL)
        virtio_fail(&disk.device, "there is no memory for its requests");
    for (uint32_t i = 0; i < disk.queue.slots && i < SLOTS; i++) {
        struct slot *s = &slots[i];
        struct virtio_desc *ring = virtio_queue_table(&disk.queue, i);
        s->page = (struct slot_page *)(memory + i * SLOT_BYTES);
        s->physical = physical[i / (PAGE_SIZE / SLOT_BYTES)] + i * SLOT_BYTES % PAGE_SIZE;
        s->table = indirect ? s->page->table : ring;
        s->base = indirect ? 0 : i * disk.queue.stride;
        ring->address = s->physical + offsetof(struct slot_page, table);
        ring->flags = VIRTIO_DESC_INDIRECT;
        free_slots[free_count++] = i;
    }
}

static void limits_read(void)
{
    struct virtio_device *d = &disk.device;
    uint32_t room = virtio_has(d, VIRTIO_F_INDIRECT_DESC) ? TABLE : DIRECT_STRIDE;
    uint64_t most = virtio_has(d, FEATURE_SEG_MAX) ? virtio_config(d, SEG_MAX, 4) : 1;
    disk.pieces_max = most == 0 ? 1 : most < room - 2 ? (uint32_t)most : room - 2;
    disk.sectors = virtio_config(d, CAPACITY, 8);
    if (disk.sectors >> 48 != 0)
        virtio_fail(d, "its capacity is impossible");
    disk.discard_max = (uint32_t)virtio_config(d, DISCARD_SECTORS_MAX, 4);
    disk.flags = (virtio_has(d, FEATURE_READ_ONLY) ? BLOCK_READ_ONLY : 0) |
                 (virtio_has(d, FEATURE_FLUSH) ? BLOCK_CAN_FLUSH : 0) |
                 (virtio_has(d, FEATURE_DISCARD) && disk.discard_max > 0 ? BLOCK_CAN_DISCARD : 0);
}

int64_t disk_open(uint64_t endpoint, uint64_t bits)
{
    struct virtio_device *d = &disk.device;
    struct virtio_signals signals = {endpoint, bits, 0};
    int64_t status = virtio_open(d, VIRTIO_BLOCK);
    if (status != 0)
        return status;
    virtio_negotiate(d, FEATURE_SEG_MAX | FEATURE_READ_ONLY | FEATURE_FLUSH | FEATURE_DISCARD);
    limits_read();
    virtio_interrupts(d, &signals);
    virtio_queue_make(d, &disk.queue, 0, VIRTIO_QUEUE_MAX,
                      virtio_has(d, VIRTIO_F_INDIRECT_DESC) ? 1 : DIRECT_STRIDE);
    slots_make();
    virtio_ready(d);
    return 0;
}

/* Appends data as one descriptor, or to the one before if it is its neighbour. 1: it fitted. */
static int data_put(struct build *b, uint64_t physical, uint32_t bytes)
{
    if (b->count == 0 || b->end != physical) {
        if (b->count == disk.pieces_max)
            return 0;
        b->slot->table[++b->count].address = physical;
        b->piece = 0;
    }
    b->piece += bytes;
    b->slot->table[b->count].bytes = b->piece;
    b->end = physical + bytes;
    b->bytes += bytes;
    return 1;
}

/* Appends what fits of the job's next transfer. 1: all of it. */
static int transfer_put(struct build *b, struct job *job)
{
    uint64_t what = job->what[job->next];
    uint64_t at = job->where[job->next] + job->done * (uint64_t)BLOCK_SECTOR;
    uint32_t sectors = BLOCK_WHAT_SECTORS(what);
    while (job->done < sectors) {
        uint32_t room = (uint32_t)(PAGE_SIZE - at % PAGE_SIZE);
        uint32_t left = (sectors - job->done) * BLOCK_SECTOR;
        uint32_t bytes = left < room ? left : room;
        if (!data_put(b, job->client->physical[at / PAGE_SIZE] + at % PAGE_SIZE, bytes))
            return 0;
        b->slot->requests |= 1ul << job->next;
        b->sector += bytes / BLOCK_SECTOR;
        job->done += bytes / BLOCK_SECTOR;
        at += bytes;
    }
    job->next++;
    job->done = 0;
    return 1;
}

/* As many of the job's transfers as follow one another on the disk. The type of the request. */
static uint32_t transfers_put(struct build *b, struct job *job)
{
    uint64_t first = job->what[job->next];
    b->sector = BLOCK_WHAT_SECTOR(first) + job->done;
    b->slot->page->sector = b->sector;
    while (job->next < job->count &&
           BLOCK_WHAT_SECTOR(job->what[job->next]) + job->done == b->sector &&
           BLOCK_WHAT_WRITE(job->what[job->next]) == BLOCK_WHAT_WRITE(first) && transfer_put(b, job))
        ;
    return BLOCK_WHAT_WRITE(first) ? JOB_WRITE : JOB_READ;
}

/* As much of a discard as the device takes at once. */
static void discard_put(struct build *b, struct job *job)
{
    struct slot_page *page = b->slot->page;
    uint64_t sectors = job->where[0] < disk.discard_max ? job->where[0] : disk.discard_max;
    page->sector = 0;
    page->discard_sector = job->what[0];
    page->discard_sectors = (uint32_t)sectors;
    page->discard_flags = 0;
    data_put(b, b->slot->physical + offsetof(struct slot_page, discard_sector), 16);
    job->what[0] += sectors;
    job->where[0] -= sectors;
    job->next = job->where[0] == 0;
    b->slot->requests = 1;
}

static void flush_put(struct build *b, struct job *job)
{
    b->slot->page->sector = 0;
    b->slot->requests = 1;
    job->next = 1;
}

/* Links the descriptors: header, data, status. */
static void table_finish(struct build *b, uint32_t type)
{
    struct slot *s = b->slot;
    uint16_t flags = VIRTIO_DESC_NEXT | (type == JOB_READ ? VIRTIO_DESC_WRITE : 0);
    uint16_t next = (uint16_t)s->base;
    s->table[0] = (struct virtio_desc){s->physical, 16, VIRTIO_DESC_NEXT, ++next};
    for (uint32_t i = 1; i <= b->count; i++) {
        s->table[i].flags = flags;
        s->table[i].next = ++next;
    }
    s->table[b->count + 1] = (struct virtio_desc){s->physical + offsetof(struct slot_page, status),
                                                  1, VIRTIO_DESC_WRITE, 0};
    s->page->type = type;
    s->page->status = STATUS_NONE;
    s->expect = (type == JOB_READ ? b->bytes : 0) + 1;
}

int disk_put(struct job *job)
{
    if (free_count == 0)
        return 0;
    uint32_t number = free_slots[--free_count];
    struct build b = {.slot = &slots[number]};
    uint32_t type = job->kind;
    b.slot->requests = 0;
    if (type == JOB_DISCARD)
        discard_put(&b, job);
    else if (type == JOB_FLUSH)
        flush_put(&b, job);
    else
        type = transfers_put(&b, job);
    table_finish(&b, type);
    b.slot->job = job;
    job->slots++;
    if (virtio_has(&disk.device, VIRTIO_F_INDIRECT_DESC))
        virtio_queue_table(&disk.queue, number)->bytes =
            (b.count + 2) * (uint32_t)sizeof(struct virtio_desc);
    virtio_queue_put(&disk.queue, number, b.slot->expect);
    return 1;
}

/* What a finished request came to: an errno number, 0: it succeeded. */
static uint32_t request_error(const struct slot *s, uint32_t wrote)
{
    uint8_t status = __atomic_load_n(&s->page->status, __ATOMIC_RELAXED);
    if (status == STATUS_UNSUPPORTED)
        return EOPNOTSUPP;
    if (status > STATUS_UNSUPPORTED)
        virtio_fail(&disk.device, "it gives a request an unknown status");
    return status == STATUS_OK && wrote == s->expect ? 0 : EIO;
}

uint32_t disk_reap(void)
{
    uint32_t number, wrote, reaped = 0;
    while (virtio_queue_take(&disk.queue, &number, &wrote) == 1) {
        struct slot *s = &slots[number];
        uint32_t error = request_error(s, wrote);
        free_slots[free_count++] = number;
        job_request_done(s->job, s->requests, error);
        reaped++;
    }
    if (disk.queue.lie != NULL)
        virtio_fail(&disk.device, disk.queue.lie);
    return reaped;
}
