/* SPDX-License-Identifier: MIT */
/* virtio-rng: every writable byte of every request is filled at once. */
#include "arch/hosted/virtio_rng.h"

#define QUEUE_ENTRIES 64u

static struct virtio_device device;
static void (*rng_fill)(void *to, size_t bytes);

static void rng_notify(struct virtio_device *d, uint32_t queue)
{
    struct virtio_chain chain;

    while (virtio_take(d, queue, &chain)) {
        for (uint32_t i = chain.readable; i < chain.readable + chain.writable; i++) {
            rng_fill(chain.iov[i].iov_base, chain.iov[i].iov_len);
        }
        virtio_finish(d, &chain, chain.writable_bytes);
    }
}

bool rng_add(void (*fill)(void *to, size_t bytes))
{
    static const struct virtio_class class = {.name = "virtio-rng",
                                              .type = VIRTIO_RNG,
                                              .pci_class = 0x00ff00,
                                              .queues = 1,
                                              .queue_entries = QUEUE_ENTRIES,
                                              .notify = rng_notify};

    rng_fill = fill;
    return virtio_add(&device, &class, NULL);
}
