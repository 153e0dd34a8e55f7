/* SPDX-License-Identifier: MIT */
/*
 * QEMU's educational device (1234:11e8): a store to one of its registers makes it send its interrupt
 * message at once, so a thread can interrupt itself at a known instruction.
 */
#ifndef BENCH_EDU_H
#define BENCH_EDU_H

#include <stdint.h>

/* Looks for it; 1 if it is there. */
int edu_find(void);

/* Maps its registers into a process at EDU_VA, delivers its interrupt to an endpoint. */
#define EDU_VA 0x60000000u
void edu_open(uint64_t process, uint64_t endpoint);

/* Where edu_open mapped them: raises the interrupt. */
static inline void edu_raise(void) { *(volatile uint32_t *)(uintptr_t)(EDU_VA + 0x60) = 1; }

/* Lets it come again. */
void edu_acknowledge(void);

#endif
