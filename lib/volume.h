/* SPDX-License-Identifier: MIT */
/*
 * The program of a file system on a disk: opens the disk that its environment names (DISK, a
 * handle's name), mounts what is on it, serves it, and writes back when there is nothing else to do.
 * Where it is in the name space is the name service's business.
 */
#ifndef LIB_VOLUME_H
#define LIB_VOLUME_H

#include "lib/block.h"
#include "lib/fs.h"

struct volume {
    const struct fs_ops *ops;
    void *fs;
    /* 0, or an error that was told by volume_say. */
    int (*mount)(void *fs, struct block_device *device);
    int (*unmount)(void *fs);
};

/* Runs until the endpoint is gone; gives main's status. A disk that is not there is no error: 0. */
int volume_run(const struct volume *volume);

/* A line to people, with the program's name before it. */
void volume_say(const char *text);

/* Seconds since 1970; since the start of the machine where that is not known. */
uint32_t volume_time(void);

#endif
