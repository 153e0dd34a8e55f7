/* SPDX-License-Identifier: MIT */
/*
 * What every run of the system-call fuzzer starts from: a booted machine with two containers, three processes with
 * handles to each other and to everything there is, five threads, shared endpoints, a fault handler. Made once by real
 * system calls, then remembered by hosted_snapshot.
 */
#ifndef FUZZ_SCENE_H
#define FUZZ_SCENE_H

#include "core/window.h"

#define SCENE_FRAMES 1536u /* three regions, so that one is whole for a superpage */
#define SCENE_THREADS 5u
#define SCENE_PROCESSES 4u

#define SCENE_CODE 0x400000u
#define SCENE_DATA 0x500000u    /* two pages, read and write */
#define SCENE_MESSAGE 0x600000u /* message page */
#define SCENE_FREE 0x700000u    /* nothing is mapped */
#define SCENE_SUPER 0x40000000u /* nothing is mapped; aligned to 1 GiB */
#define SCENE_DEVICE 0xFE000u   /* a page of device memory */

extern pfn_t scene_thread[SCENE_THREADS];    /* init's first */
extern pfn_t scene_process[SCENE_PROCESSES]; /* init first */

/* Boots and builds it. Ends the program with a message when something fails. */
void scene_make(void);

/* Sets a thread's registers for a system call. */
void scene_registers(pfn_t thread, uint64_t number, const uint64_t arg[6]);

/* Makes a ready thread the running one; 0: it is neither. */
int scene_run(pfn_t thread);

/* One word of a process's memory, if something is mapped there. */
void scene_poke(pfn_t process, uint64_t va, uint64_t value);

#endif
