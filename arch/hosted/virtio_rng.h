/* SPDX-License-Identifier: MIT */
/* A virtio source of random bytes. */
#ifndef HOSTED_VIRTIO_RNG_H
#define HOSTED_VIRTIO_RNG_H

#include "arch/hosted/virtio.h"

/* Puts it on the bus. fill: writes that many random bytes. False: no slot. One there is. */
bool rng_add(void (*fill)(void *to, size_t bytes));

#endif
