/* SPDX-License-Identifier: MIT */
/*
 * A disk of tests: a block_device (lib/block.h) over memory, made by the host's mkfs programs and checked by its fsck
 * programs. It checks every request, counts, fails on demand, and stops keeping writes when told to, as a crash does.
 */
#ifndef TESTS_DISK_H
#define TESTS_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/block.h"

struct disk {
    struct block_device device; /* first: the device's pointer is the disk's */
    unsigned char *bytes;
    uint64_t size;
    uint64_t writes, reads, flushes; /* requests done */
    uint64_t keep;                   /* writes that still reach the disk; UINT64_MAX: all */
    uint64_t fail_sector;            /* requests with this sector fail; UINT64_MAX: none */
    int fail_writes_only;
    int fail_all, fail_flush;
    uint64_t transfers; /* calls */
    uint64_t unsorted;  /* requests whose sector is below that of the one before */
    uint64_t last;      /* sector of the last request */
    char path[64];      /* of the image file */
};

/* Makes a disk of size bytes by the shell command, where %s is the image's file. */
void disk_make(struct disk *disk, uint64_t size, const char *command);
/* The same from bytes, which are copied. */
void disk_from(struct disk *disk, const void *bytes, uint64_t size, uint32_t cache_pages);
void disk_free(struct disk *disk);

/* Writes the image to its file, runs the command, reads it again when again is set; its status. */
int disk_command(struct disk *disk, const char *command, int again);

/* Runs the command and fails the test, with its output, unless the status is 0. */
void disk_check(struct disk *disk, const char *command);

/* Random numbers of tests: xorshift. */
uint64_t random_next(uint64_t *state);
/* The seed of this run: $SEED or a fixed number. It is printed. */
uint64_t random_seed(void);

#endif
