/* SPDX-License-Identifier: MIT */
/* A virtio-9p device that serves a folder of the host in 9P2000.L. */
#ifndef HOSTED_VIRTIO_9P_H
#define HOSTED_VIRTIO_9P_H

#include "arch/hosted/share.h"
#include "arch/hosted/virtio.h"

/* Puts it on the bus; tag: the name its driver reads. False: no memory or slot. One there is. */
bool ninep_add(struct share *share, const char *tag);

/* Ends its session (unit tests). */
void ninep_remove(void);

#endif
