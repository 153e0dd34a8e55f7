/* SPDX-License-Identifier: MIT */
/*
 * The memory calls in whole: the kernel does a bounded piece at a time, these loop until all is
 * done. And windows: ranges of the own address space to map other processes' pages or files into
 * for a while.
 */
#ifndef LIB_MEMORY_H
#define LIB_MEMORY_H

#include "atmos/abi.h"

/* Each returns 0 or -error; at an error of map and share nothing of the range stays mapped by the
   call. process: a handle, 0 for the own process. Pages are of the size in flags. */
int64_t memory_map(uint64_t process, uint64_t va, uint64_t pages, uint64_t flags);
int64_t memory_unmap(uint64_t process, uint64_t va, uint64_t pages, uint64_t flags);
int64_t memory_protect(uint64_t process, uint64_t va, uint64_t pages, uint64_t flags);

struct memory_range {
    uint64_t process; /* handle, 0: own */
    uint64_t va;
};
int64_t memory_share(struct memory_range from, struct memory_range to, uint64_t pages,
                     uint64_t flags);

/* Destroys an object and all it owns. 0, or -error. */
int64_t object_destroy(uint64_t handle);

/* A free window of WINDOW_PAGES pages of addresses, with nothing mapped; 0: all are taken. */
#define WINDOW_PAGES 4096u
uint64_t window_open(void);

/* Gives a window back and unmaps its first pages. */
void window_close(uint64_t va, uint64_t pages);

#endif
