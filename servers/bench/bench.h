/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the benchmark share. Figures are differences of the time stamp counter: with
 * QEMU's -icount shift=0 one tick is one instruction.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define ROUNDS 20000u         /* of cheap operations */
#define ROUNDS_FEW 2000u      /* of those that create and destroy */
#define PLACE_VA 0x40000000u  /* where pages are mapped and unmapped; the page below stays mapped */
#define SOURCE_VA 0x80000000u /* pages that are shared */
#define SUPERPAGE_VA 0xc0000000u

static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Prints "name value": ticks for each of rounds, rounded. */
void bench_print(const char *name, uint64_t ticks, uint64_t rounds);

/* Ends the program when a call failed that must not. Gives its first result. */
uint64_t bench_must(const char *what, int64_t status, uint64_t result);

extern uint64_t bench_container; /* handle: this program's */

/* A second process of this program, which does mode; it has endpoint as "serve". Gives its process
   handle. */
uint64_t bench_partner(const char *mode, uint64_t endpoint);
/* Ends it. */
void bench_partner_end(uint64_t process);

/* partner.c: what the second process does; does not return for a mode it knows. */
void partner_run(const char *mode);
/* The thread that answers each call with as many words; rdi = endpoint handle. */
void partner_echo(uint64_t endpoint);

/* longest.c */
void bench_longest(void);

#endif
