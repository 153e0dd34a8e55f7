/* SPDX-License-Identifier: MIT */
/*
 * Reader of newc cpio archives (the initial ramdisk). Trusts nothing in the archive: every length
 * is checked against the archive's own.
 */
#ifndef LIB_CPIO_H
#define LIB_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio_file {
    const char *name; /* ends in 0, without a leading "./" or "/" */
    const unsigned char *data;
    uint64_t bytes;
    uint32_t mode; /* as in POSIX: 0040000 folder, 0100000 file, and permissions */
};

struct cpio {
    const unsigned char *data;
    uint64_t bytes;
    uint64_t at;       /* where the next entry begins */
    const char *wrong; /* NULL, or in words what is wrong with the archive */
};

/* Begins at the first entry. */
void cpio_open(struct cpio *archive, const void *data, uint64_t bytes);

/* Takes the next entry: 1; 0 at the end, and when the archive is damaged (then wrong says how). */
int cpio_next(struct cpio *archive, struct cpio_file *file);

/* Looks for a name ("bin/init", "/bin/init" and "./bin/init" are the same): 1 if found. */
int cpio_find(const void *data, uint64_t bytes, const char *name, struct cpio_file *file);

#endif
