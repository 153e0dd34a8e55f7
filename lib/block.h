/* SPDX-License-Identifier: MIT */
/*
 * Block devices: the protocol between a disk driver and its clients, and the client side.
 *
 * A client attaches a buffer of whole pages, which the driver allocates so that the device reaches
 * them: data is never copied. All transfers go between sectors and places in that buffer, up to
 * BLOCK_BATCH of them a call, all in flight at once. A driver that is restarted while a client
 * waits costs the client nothing but time: it attaches again, keeps what its buffer held, and
 * repeats what was not answered. A write is on the disk for good once a flush after it succeeded.
 *
 * Errors are Linux errno numbers: EIO the device failed, EINVAL outside the device or the buffer,
 * EROFS read-only, EOPNOTSUPP the device cannot, ENOMEM no room for the buffer, ENODEV no such
 * device (any more).
 */
#ifndef LIB_BLOCK_H
#define LIB_BLOCK_H

#include <stdint.h>

#define BLOCK_SECTOR 512u
#define BLOCK_BATCH 30u       /* requests a call */
#define BLOCK_PAGES_MAX 4096u /* a client's buffer, at most: one window of lib/memory.h */

/* One transfer. It begins at sector and at byte offset of page page of the buffer; both run on from
   there, the buffer's part across following pages. */
struct block_request {
    uint64_t sector;
    uint32_t sectors; /* 1 .. BLOCK_SECTORS_MAX */
    uint32_t write;   /* 1: buffer to device */
    uint32_t page;
    uint32_t offset; /* a multiple of BLOCK_SECTOR, below PAGE_SIZE */
    int status;      /* afterwards: 0 or an errno number */
};
#define BLOCK_SECTORS_MAX 0x7fffu

/* What file systems use; block_open makes one over IPC, tests one over a file. Each function gives 0
   or an errno number; transfer the first one among its requests. */
struct block_device {
    uint64_t sectors; /* of BLOCK_SECTOR bytes */
    uint32_t read_only;
    uint32_t can_flush; /* 0: the device has no cache, flush does nothing and succeeds */
    uint32_t can_discard;
    unsigned char *buffer; /* pages * PAGE_SIZE bytes */
    uint32_t pages;
    uint32_t pages_most; /* what grow may make of it; who opens the device sets it. 0: no more */
    void *context;
    int (*transfer)(struct block_device *, struct block_request *, unsigned count); /* any count */
    int (*flush)(struct block_device *);
    int (*discard)(struct block_device *, uint64_t sector, uint64_t sectors);
    int (*grow)(struct block_device *, uint32_t pages); /* more of the buffer, zeroed: pages in all */
};

/* Opens the disk behind the handle with this name ("disk0"), with a buffer of pages pages or, when
   the driver has fewer, as many as it gives (at least 1). The buffer's content is zero. */
int block_open(struct block_device *device, const char *name, uint32_t pages);

/* Gives the buffer back. */
void block_close(struct block_device *device);

/*
 * The protocol. The label of a request is an enum block_label, that of an answer 0 or an errno
 * number, where ESTALE says that the driver does not know this client (it was restarted): attach
 * again. Clients are told apart by badge.
 */
enum block_label {
    BLOCK_INFO = 1, /* answer: w0 sectors, w1 BLOCK_* flags, w2 pages a client may have */
    BLOCK_ATTACH,   /* w0 pages wanted, item: an endpoint of the client's own, whose death says that
                       the client is gone. Answer: w0 pages given. What this client had attached
                       before is given back first. */
    BLOCK_TAKE, /* w0 first page. Answer: w0 pages in this message (0 to 4), and they as items */
    BLOCK_TRANSFER, /* w0 requests n; then two words each: BLOCK_WHAT, BLOCK_WHERE. Answer when all
                       are done: w0 bit i: request i failed */
    BLOCK_FLUSH,    /* answer when all writes answered before are on the disk for good */
    BLOCK_DISCARD,  /* w0 sector, w1 sectors: their content is no longer needed */
    BLOCK_DETACH,   /* the buffer goes back; the client must have unmapped it */
    BLOCK_GROW /* w0 pages wanted in all: the buffer gets more behind those it has, none or all.
                       Answer: w0 pages there are */
};

#define BLOCK_READ_ONLY 1u
#define BLOCK_CAN_FLUSH 2u
#define BLOCK_CAN_DISCARD 4u

/* Words of a transfer: sector 48 bits, sectors 15, write 1; and byte offset into the buffer. */
#define BLOCK_WHAT(sector, sectors, write)                                                         \
    ((uint64_t)(sector) | (uint64_t)(sectors) << 48 | (uint64_t)(write) << 63)
#define BLOCK_WHAT_SECTOR(what) ((what)&0xffffffffffffu)
#define BLOCK_WHAT_SECTORS(what) ((uint32_t)((what) >> 48 & 0x7fff))
#define BLOCK_WHAT_WRITE(what) ((uint32_t)((what) >> 63))
#define BLOCK_WHERE(page, offset) ((uint64_t)(page)*4096u + (offset))

#endif
