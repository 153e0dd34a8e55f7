/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk: read, write, flush (fdatasync), discard, write zeroes, get-id. Requests taken from the ring wait in a table;
 * at once or, for a delayed disk, later and in any order, each is carried out and answered with a status. A request that
 * makes no sense gets a status, too; one without room for a status breaks the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/virtio_blk.h"

#define DISKS_MAX 31u
#define WAITING_MAX 32u
#define QUEUE_ENTRIES 128u
#define SEGMENTS_MAX 126u /* of data in one request: VIRTIO_PIECES_MAX has room for more */
#define HEADER_BYTES 16u
#define RANGE_BYTES 16u
#define RANGES_MAX 16u /* in one discard */
#define RANGE_SECTORS_MAX 0x400000u

enum { FEATURE_SEG_MAX = 2, FEATURE_RO = 5, FEATURE_BLOCK_SIZE = 6, FEATURE_FLUSH = 9 };
enum { FEATURE_DISCARD = 13, FEATURE_ZEROES = 14 };
enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4, TYPE_ID = 8, TYPE_DISCARD = 11 };
enum { TYPE_ZEROES = 13 };
enum { STATUS_OK, STATUS_ERROR, STATUS_UNSUPPORTED };

/* Offsets in the device's configuration. */
enum { CONFIG_CAPACITY = 0, CONFIG_SEG_MAX = 12, CONFIG_BLOCK_SIZE = 20, CONFIG_DISCARD = 36 };
enum { CONFIG_ZEROES = 48, CONFIG_BYTES = 60 };

struct disk {
    struct virtio_device device;
    struct virtio_class class;
    int fd;
    uint64_t sectors;
    bool read_only, delayed;
    char id[DISK_ID_BYTES];
    uint32_t waiting;
    struct virtio_chain chain[WAITING_MAX];
};

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};

static struct disk *disk_at[DISKS_MAX];
static uint32_t disk_count;

/* ---- requests ---- */

static bool range_legal(const struct disk *disk, uint64_t sector, uint64_t sectors)
{
    return sector <= disk->sectors && sectors <= disk->sectors - sector;
}

/* Moves all the pieces say from or to the file; the file may have become shorter. */
static bool transfer(const struct disk *disk, struct iovec *piece, uint32_t count, uint64_t offset,
                     bool write)
{
    while (count > 0) {
        ssize_t n = write ? pwritev(disk->fd, piece, (int)count, (off_t)offset)
                          : preadv(disk->fd, piece, (int)count, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        offset += (uint64_t)n;
        while (count > 0 && (size_t)n >= piece->iov_len) {
            n -= (ssize_t)piece->iov_len;
            piece++;
            count--;
        }
        if (count > 0) {
            piece->iov_base = (uint8_t *)piece->iov_base + n;
            piece->iov_len -= (size_t)n;
        }
    }
    return true;
}

static uint8_t read_or_write(const struct disk *disk, const struct virtio_chain *chain,
                             uint64_t sector, bool write)
{
    struct iovec piece[VIRTIO_PIECES_MAX];
    uint64_t bytes = write ? chain->readable_bytes - HEADER_BYTES : chain->writable_bytes - 1;
    uint32_t count;

    if (bytes % DISK_SECTOR != 0 || !range_legal(disk, sector, bytes / DISK_SECTOR) ||
        (write && disk->read_only)) {
        return STATUS_ERROR;
    }
    count = write ? virtio_chain_readable(chain, HEADER_BYTES, bytes, piece)
                  : virtio_chain_writable(chain, 0, bytes, piece);
    return transfer(disk, piece, count, sector * DISK_SECTOR, write) ? STATUS_OK : STATUS_ERROR;
}

static uint8_t range_clear(const struct disk *disk, const struct range *r, bool zeroes)
{
    off_t offset = (off_t)(r->sector * DISK_SECTOR), bytes = (off_t)r->sectors * DISK_SECTOR;
    int mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;

    if (r->flags > (zeroes ? 1u : 0)) {
        return STATUS_UNSUPPORTED;
    }
    if (r->sectors > RANGE_SECTORS_MAX || !range_legal(disk, r->sector, r->sectors)) {
        return STATUS_ERROR;
    }
    if (r->sectors == 0 || fallocate(disk->fd, mode, offset, bytes) == 0) {
        return STATUS_OK; /* a hole reads as zeroes */
    }
    return zeroes ? STATUS_ERROR : STATUS_OK; /* a discard is a hint */
}

static uint8_t discard(const struct disk *disk, const struct virtio_chain *chain, bool zeroes)
{
    uint64_t bytes = chain->readable_bytes - HEADER_BYTES;
    uint8_t status = STATUS_OK;
    struct range r;

    if (disk->read_only || bytes == 0 || bytes % RANGE_BYTES != 0 ||
        bytes / RANGE_BYTES > RANGES_MAX) {
        return STATUS_ERROR;
    }
    for (uint64_t at = 0; at < bytes && status == STATUS_OK; at += RANGE_BYTES) {
        (void)virtio_chain_read(chain, HEADER_BYTES + at, &r, sizeof r);
        status = range_clear(disk, &r, zeroes);
    }
    return status;
}

static uint8_t request_do(const struct disk *disk, const struct virtio_chain *chain)
{
    struct header header;

    if (virtio_chain_read(chain, 0, &header, sizeof header) != sizeof header) {
        return STATUS_ERROR;
    }
    switch (header.type) {
    case TYPE_READ:
        return read_or_write(disk, chain, header.sector, false);
    case TYPE_WRITE:
        return read_or_write(disk, chain, header.sector, true);
    case TYPE_FLUSH:
        return fdatasync(disk->fd) == 0 ? STATUS_OK : STATUS_ERROR;
    case TYPE_DISCARD:
        return discard(disk, chain, false);
    case TYPE_ZEROES:
        return discard(disk, chain, true);
    case TYPE_ID:
        return virtio_chain_write(chain, 0, disk->id,
                                  chain->writable_bytes - 1 < DISK_ID_BYTES
                                      ? chain->writable_bytes - 1
                                      : DISK_ID_BYTES) > 0
                   ? STATUS_OK
                   : STATUS_ERROR;
    default:
        return STATUS_UNSUPPORTED;
    }
}

/* ---- the ring ---- */

static void request_answer(struct disk *disk, const struct virtio_chain *chain)
{
    uint8_t status;

    if (virtio_chain_stale(&disk->device, chain)) {
        return;
    }
    if (chain->writable_bytes == 0) {
        virtio_break(&disk->device, "a request has no room for its status");
        return;
    }
    status = (uint8_t)lie_value(LIE_STATUS, request_do(disk, chain));
    (void)virtio_chain_write(chain, chain->writable_bytes - 1, &status, 1);
    virtio_finish(&disk->device, chain, chain->writable_bytes);
}

static void requests_take(struct disk *disk)
{
    while (disk->waiting < WAITING_MAX &&
           virtio_take(&disk->device, 0, &disk->chain[disk->waiting])) {
        disk->waiting++;
    }
}

static void disk_notify(struct virtio_device *d, uint32_t queue)
{
    struct disk *disk = d->model;

    (void)queue;
    requests_take(disk);
    while (!disk->delayed && disk->waiting > 0) {
        for (uint32_t i = 0; i < disk->waiting; i++) {
            request_answer(disk, &disk->chain[i]);
        }
        disk->waiting = 0;
        requests_take(disk);
    }
}

static void disk_reset(struct virtio_device *d) { ((struct disk *)d->model)->waiting = 0; }

bool disks_poll(uint64_t choice)
{
    bool any = false;

    for (uint32_t i = 0; i < disk_count; i++) {
        struct disk *disk = disk_at[i];
        uint32_t last = disk->waiting - 1, one;

        if (disk->waiting == 0) {
            continue;
        }
        any = true;
        one = (uint32_t)(choice % disk->waiting);
        request_answer(disk, &disk->chain[one]);
        disk->chain[one] = disk->chain[last];
        disk->waiting = last;
        requests_take(disk);
    }
    return any;
}

/* ---- making one ---- */

static void config_put(struct disk *disk, uint32_t offset, uint32_t width, uint64_t value)
{
    memcpy(disk->device.config + offset, &value, width);
}

static void config_fill(struct disk *disk)
{
    config_put(disk, CONFIG_CAPACITY, 8, disk->sectors);
    config_put(disk, CONFIG_SEG_MAX, 4, SEGMENTS_MAX);
    config_put(disk, CONFIG_BLOCK_SIZE, 4, DISK_SECTOR);
    config_put(disk, CONFIG_DISCARD, 4, RANGE_SECTORS_MAX);
    config_put(disk, CONFIG_DISCARD + 4, 4, RANGES_MAX);
    config_put(disk, CONFIG_DISCARD + 8, 4, 1);
    config_put(disk, CONFIG_ZEROES, 4, RANGE_SECTORS_MAX);
    config_put(disk, CONFIG_ZEROES + 4, 4, RANGES_MAX);
    config_put(disk, CONFIG_ZEROES + 8, 1, 1);
}

struct virtio_device *disk_add(int fd, uint64_t sectors, bool read_only, const char *id,
                               bool delayed)
{
    struct disk *disk = disk_count < DISKS_MAX ? calloc(1, sizeof *disk) : NULL;

    if (disk == NULL) {
        return NULL;
    }
    disk->class = (struct virtio_class){.name = "virtio-blk",
                                        .type = VIRTIO_BLOCK,
                                        .pci_class = 0x010000,
                                        .queues = 1,
                                        .queue_entries = QUEUE_ENTRIES,
                                        .config_bytes = CONFIG_BYTES,
                                        .notify = disk_notify,
                                        .reset = disk_reset};
    disk->class.features = 1u << FEATURE_SEG_MAX | 1u << FEATURE_BLOCK_SIZE | 1u << FEATURE_FLUSH;
    disk->class.features |=
        read_only ? 1u << FEATURE_RO : 1u << FEATURE_DISCARD | 1u << FEATURE_ZEROES;
    disk->fd = fd;
    disk->sectors = sectors;
    disk->read_only = read_only;
    disk->delayed = delayed;
    memcpy(disk->id, id, strnlen(id, DISK_ID_BYTES));
    config_fill(disk);
    if (!virtio_add(&disk->device, &disk->class, disk)) {
        free(disk);
        return NULL;
    }
    disk_at[disk_count++] = disk;
    return &disk->device;
}

void disk_remove(struct virtio_device *d)
{
    struct disk *disk = d->model;

    for (uint32_t i = 0; i < disk_count; i++) {
        if (disk_at[i] == disk) {
            disk_at[i] = disk_at[--disk_count];
        }
    }
    close(disk->fd);
    free(disk);
}
