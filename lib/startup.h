/* SPDX-License-Identifier: MIT */
/*
 * What a program finds when it starts, and where. The first process gets struct atm_boot_info from
 * the kernel; every other gets a startup page from its parent at the same address: arguments,
 * environment and named handles. The magic number says which. Parents write it (spawn.c), _start
 * reads it (start.c).
 */
#ifndef LIB_STARTUP_H
#define LIB_STARTUP_H

#include "atmos/abi.h"

/* Fixed places in every process. The stack, its guard (unmapped) and the message page are init's,
   too. */
#define STARTUP_VA BOOT_INFO_VA
#define STACK_TOP INIT_STACK_TOP
#define STACK_PAGES INIT_STACK_PAGES
#define WINDOWS_VA 0x200000000000u  /* lib/memory.h: windows for other processes' pages and files */
#define SESSIONS_VA 0x300000000000u /* lib/fs.c: clients' buffers in a file server */
#define VFS_VA 0x310000000000u      /* lib/vfs*.c: a client's own buffers */
#define VIRTIO_VA 0x340000000000u   /* lib/virtio.c: a driver's rings and DMA memory */
#define HEAP_VA 0x100000000000u     /* malloc's arenas grow up from here */

#define STARTUP_MAGIC 0x5452415453u /* "START" */
#define STARTUP_HANDLES 24u
#define STARTUP_WORDS 64u /* arguments, and environment strings, at most */
#define HANDLE_NAME_BYTES 16u

struct startup_handle {
    char name[HANDLE_NAME_BYTES]; /* ends in 0 */
    uint64_t number;
};

struct startup {
    uint64_t magic;
    uint64_t arguments;   /* strings in text: first the arguments, */
    uint64_t environment; /* then the environment, "NAME=value" */
    uint64_t handles;     /* entries used in handle */
    uint64_t epoch;       /* see startup_epoch */
    struct startup_handle handle[STARTUP_HANDLES];
    char text[PAGE_SIZE - 5 * 8 - STARTUP_HANDLES * (HANDLE_NAME_BYTES + 8)];
};

_Static_assert(sizeof(struct startup) == PAGE_SIZE, "the startup page");

/* The handle the parent granted under this name; 0: none. */
uint64_t startup_handle(const char *name);

/* The name the parent gave to this program: argument 0, "init" for the first process. */
const char *startup_name(void);

/* Nanoseconds from 1970 to the boot of the system, as init read the machine's clock; 0: nobody knows.
   <time.h> is what programs use. */
uint64_t startup_epoch(void);

/* For init, which has no startup page. */
void startup_epoch_set(uint64_t epoch);

/* The boot information, in the first process; NULL in all others. */
const struct atm_boot_info *startup_boot(void);

#endif
