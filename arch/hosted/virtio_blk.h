/* SPDX-License-Identifier: MIT */
/* A virtio disk on a file of the host. */
#ifndef HOSTED_VIRTIO_BLK_H
#define HOSTED_VIRTIO_BLK_H

#include "arch/hosted/virtio.h"

#define DISK_SECTOR 512u
#define DISK_ID_BYTES 20u

/* Puts a disk of so many sectors on the bus that reads and writes fd, which it takes over. id: what the driver is told,
   cut after DISK_ID_BYTES. delayed: requests are answered by disks_poll, one at a time and out of order. NULL: no memory,
   or no slot. */
struct virtio_device *disk_add(int fd, uint64_t sectors, bool read_only, const char *id,
                               bool delayed);

/* Closes the file and frees the disk; it is off the bus (unit tests). */
void disk_remove(struct virtio_device *d);

/* Answers one waiting request of each delayed disk, chosen by `choice`. False: there was none. */
bool disks_poll(uint64_t choice);

#endif
