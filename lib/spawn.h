/* SPDX-License-Identifier: MIT */
/*
 * Starting programs and hearing how they ended.
 */
#ifndef LIB_SPAWN_H
#define LIB_SPAWN_H

#include "lib/startup.h"
#include <stddef.h>
#include <stdint.h>

/* A handle of the parent's that the child gets a copy of, under a name. */
struct spawn_handle {
    const char *name;
    uint64_t number; /* in the parent */
    uint64_t rights; /* at most; RIGHTS_ALL keeps all */
    uint64_t badge;  /* 0: as it is */
};

/* What to start, and how. */
struct spawn {
    const char *name;  /* of the process, 16 bytes at most */
    const void *image; /* ELF file */
    uint64_t bytes;
    uint64_t container;      /* handle */
    uint64_t death_endpoint; /* told when it ends; 0: nobody */
    uint64_t death_bits;
    uint64_t priority;
    uint64_t cpu;
    const char *const *arguments;   /* argument 0 too; ends in NULL */
    const char *const *environment; /* "NAME=value"; ends in NULL; NULL: none */
    const struct spawn_handle *handles;
    size_t handle_count;
    int self; /* 1: gets a handle to its own process, "self", to let servers map memory into it */
    /* Bytes of the parent's memory to share read-only at INITRD_VA; 0: none. Page aligned. */
    uint64_t initrd_va;
    uint64_t initrd_bytes;
};

struct spawned {
    uint64_t process; /* handle; 0: nothing was started */
    uint64_t thread;  /* handle of its first thread */
    int64_t status;   /* 0, or -error of the system call that failed */
    const char *step; /* what failed, in words */
};

/* Starts a program. At an error nothing of it remains. */
struct spawned spawn_program(const struct spawn *spawn);

/* 16 bytes of name as the two words that system calls take, and back (to has 17 bytes). */
void name_pack(const char *name, uint64_t words[2]);
void name_unpack(const uint64_t words[2], char *to);

#endif
