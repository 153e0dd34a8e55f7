/* SPDX-License-Identifier: MIT */
/*
 * The virtio 1.x PCI transport of the hosted machine, and all a device model needs to know of it. A model states what it is
 * in a struct virtio_class and does its work in notify(): it takes chains from its rings, looks at them as iovecs that lie
 * within guest memory, and finishes each, in any order, then or later.
 *
 * All that comes from the guest is checked here: ring addresses, indices, descriptors (loops, lengths, order, indirect
 * tables). What breaks the rules stops the device (DEVICE_NEEDS_RESET) until the guest resets it: virtio_take then says
 * there is nothing, virtio_finish does nothing. What a chain holds is the model's to check.
 * After reset() a model must not finish a chain it took before: virtio_chain_stale tells.
 */
#ifndef HOSTED_VIRTIO_H
#define HOSTED_VIRTIO_H

#include <sys/uio.h>

#include "arch/hosted/pci.h"

#define VIRTIO_QUEUES_MAX 8u
#define VIRTIO_QUEUE_ENTRIES 256u     /* most a ring may have; a model may say less */
#define VIRTIO_PIECES_MAX 130u        /* descriptors of one chain: more is an error of the guest */
#define VIRTIO_CHAIN_BYTES 0x2000000u /* in all of them: so are more */
#define VIRTIO_CONFIG_BYTES 256u

/* Device types; the PCI device id is 0x1040 + type. */
enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3, VIRTIO_RNG = 4, VIRTIO_9P = 9 };

struct virtio_device;

struct virtio_class {
    const char *name;       /* for messages: "virtio-blk" */
    uint32_t type;          /* VIRTIO_NET ... */
    uint32_t pci_class;     /* 0x020000: ethernet */
    uint32_t queues;        /* at most VIRTIO_QUEUES_MAX */
    uint32_t queue_entries; /* power of two, at most VIRTIO_QUEUE_ENTRIES */
    uint64_t features;      /* device features offered (bits 0..23); the transport adds its own */
    uint32_t config_bytes;  /* of virtio_device.config that the guest reads */
    /* The guest may have put chains into this queue. Called for each used queue at DRIVER_OK, too. */
    void (*notify)(struct virtio_device *d, uint32_t queue);
    /* The guest reset the device: forget chains taken and features. NULL: nothing to do. */
    void (*reset)(struct virtio_device *d);
    /* The guest wrote config (already stored, if in config_bytes). NULL: config is read-only. */
    void (*config_written)(struct virtio_device *d, uint32_t offset, uint32_t width);
};

struct virtio_queue {
    uint64_t descriptors, driver, device; /* guest physical: descriptor table, available, used */
    uint32_t entries;                     /* as the guest chose */
    uint32_t vector;                      /* MSI-X; PCI_NO_VECTOR */
    bool enabled;
    uint16_t taken;                  /* next available entry to look at */
    uint16_t used;                   /* next used entry to fill */
    uint16_t signaled;               /* used index at the last interrupt (event index) */
    uint32_t budget;                 /* chains that may still be taken for this notification */
    bool busy[VIRTIO_QUEUE_ENTRIES]; /* heads of chains taken and not finished */
};

struct virtio_device {
    const struct virtio_class *class;
    void *model;                         /* the model's */
    uint8_t config[VIRTIO_CONFIG_BYTES]; /* the model writes here; then virtio_config_changed */
    uint64_t features;                   /* agreed on; valid from FEATURES_OK */
    uint32_t generation;                 /* resets so far */

    /* the transport's own */
    struct pci_device pci;
    struct virtio_queue queue[VIRTIO_QUEUES_MAX];
    uint64_t driver_features;
    uint32_t device_select, driver_select; /* which half of the features */
    uint32_t queue_select, config_vector;
    uint32_t access_cap; /* offset in config space of the capability that reaches into the window */
    uint32_t reports;    /* lines printed about this device */
    bool notifying;      /* the model works for a notification: the guest does not run */
    uint8_t status, isr, config_generation;
};

/* A request: pieces the device reads, then pieces it writes. */
struct virtio_chain {
    uint32_t generation; /* of the device when it was taken */
    uint32_t queue;
    uint16_t head;
    uint32_t readable, writable; /* number of pieces: iov[0 .. readable - 1], then writable ones */
    uint64_t readable_bytes, writable_bytes;
    struct iovec iov[VIRTIO_PIECES_MAX];
};

/* Makes the device and puts it on the bus. False: no slot is left. */
bool virtio_add(struct virtio_device *d, const struct virtio_class *class, void *model);

/* Takes the next chain. False: none, or the device is broken, not started or not allowed to use memory. */
bool virtio_take(struct virtio_device *d, uint32_t queue, struct virtio_chain *chain);

/* True if there is a chain to take. For models whose input waits for buffers. */
bool virtio_has_chain(struct virtio_device *d, uint32_t queue);

/* Hands a chain back, `written` bytes of its writable part filled, and interrupts unless the guest asked not to be. */
void virtio_finish(struct virtio_device *d, const struct virtio_chain *chain, uint64_t written);

/* True if the device was reset or broken since the chain was taken: its memory is not the model's to touch. */
bool virtio_chain_stale(const struct virtio_device *d, const struct virtio_chain *chain);

/* Copies out of the readable part, or into the writable part; returns bytes copied, fewer where the part ends. */
size_t virtio_chain_read(const struct virtio_chain *chain, uint64_t offset, void *to, size_t bytes);
size_t virtio_chain_write(const struct virtio_chain *chain, uint64_t offset, const void *from,
                          size_t bytes);

/* Pieces of the readable (or writable) part without its first `offset` bytes, at most `bytes` of them. to: room for
   VIRTIO_PIECES_MAX. Returns how many: for preadv and pwritev. */
uint32_t virtio_chain_readable(const struct virtio_chain *chain, uint64_t offset, uint64_t bytes,
                               struct iovec *to);
uint32_t virtio_chain_writable(const struct virtio_chain *chain, uint64_t offset, uint64_t bytes,
                               struct iovec *to);

/* True if the driver agreed on a feature bit. */
bool virtio_has_feature(const struct virtio_device *d, uint32_t bit);

/* The model changed config: the driver is told. */
void virtio_config_changed(struct virtio_device *d);

/* The model found what no legal driver sends: the device needs a reset. why: for the message on standard error. */
void virtio_break(struct virtio_device *d, const char *why);

#endif
