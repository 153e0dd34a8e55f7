/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of a virtio device model, for unit tests and fuzz targets of models: memory, the machine_ functions of
 * arch/hosted/pci.h, and a small driver that finds the device in slot 0, starts it, and offers chains. One device at a
 * time; guest_clear begins anew.
 */
#ifndef UNIT_VIRTIO_GUEST_H
#define UNIT_VIRTIO_GUEST_H

#include "arch/hosted/virtio.h"

#define GUEST_BYTES 0x40000u     /* of memory, from physical 0 */
#define GUEST_RING_BYTES 0x2000u /* a queue's three parts; queue q from q * this */
#define GUEST_DATA 0x10000u      /* memory a test may use as it likes starts here */
#define GUEST_QUEUE_ENTRIES 16u
#define GUEST_LINES 24u

/* Flags of descriptors. */
enum { GUEST_NEXT = 1, GUEST_WRITE = 2, GUEST_INDIRECT = 4 };
/* Where a queue's available and used rings are in its memory. */
enum { GUEST_AVAILABLE = 0x1000, GUEST_USED = 0x1800 };

extern uint8_t guest_ram[GUEST_BYTES];

/* What the machine was told. */
struct guest_seen {
    uint32_t messages;       /* interrupts by message, */
    uint32_t vectors;        /* the vectors they came through, a bit each */
    uint32_t data;           /* what the last one said */
    uint32_t reports;        /* lines for the person, */
    const char *why;         /* the last one */
    bool line;               /* level of the pin that changed last, */
    bool lines[GUEST_LINES]; /* and of each */
};
extern struct guest_seen guest_seen;

/* Clears memory, what was seen, and the bus. */
void guest_clear(void);

/* Finds the device's registers and resets it. False: there is none in slot 0. */
bool guest_find(void);

/* Everything a driver does up to DRIVER_OK, with these features (and VERSION_1), MSI-X, and the first `queues` queues of
   GUEST_QUEUE_ENTRIES. Returns the status register. */
uint8_t guest_start(uint64_t features, uint32_t queues);

/* Registers: common configuration, and the device's own. */
uint64_t guest_common_read(uint32_t offset, uint32_t width);
void guest_common_write(uint32_t offset, uint32_t width, uint64_t value);
uint64_t guest_config_read(uint32_t offset, uint32_t width);

/* A piece of a chain. */
struct guest_piece {
    uint64_t address;
    uint32_t bytes;
    bool writable;
};

/* Offers a chain in a queue, from descriptor `first` on, and notifies. */
void guest_offer(uint32_t queue, uint16_t first, const struct guest_piece *piece, uint32_t count);
void guest_notify(uint32_t queue);

/* The same by hand: a descriptor in a table at this address, in any shape; and a head made available without a notice. */
void guest_descriptor(uint64_t table, uint32_t at, uint64_t address, uint32_t bytes, uint32_t flags,
                      uint32_t next);
void guest_available(uint32_t queue, uint16_t first);

/* The next used chain: its first descriptor and length. False: there is none. */
bool guest_used(uint32_t queue, uint32_t *first, uint32_t *bytes);

#endif
