/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine as tests, fuzzers and the native run loop see it. Two uses share memory.c and panic.c:
 *
 *   direct   direct.c: no user code. A harness calls hosted_memory_init, the kernel_boot_ functions, then the kernel's
 *            entries, and reads what the core asked of the machine in hosted_direct.
 *   native   main.c and the rest (native.h): user programs run in host processes.
 */
#ifndef HOSTED_HOSTED_H
#define HOSTED_HOSTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "core/boot.h"
#include "core/entry.h"

/* Frame arrays for this many frames, and one shared memory of so many pages, mapped once per window. What lies beyond
   is unmapped, so that an index out of range faults. Ends the program with a message when the host refuses. */
void hosted_memory_init(uint32_t frames);

/* Unmaps it all again: another hosted_memory_init may follow. */
void hosted_memory_done(void);

/* Frames there are, and the file descriptor of the memory behind them. */
uint32_t hosted_frames(void);
int hosted_memory_fd(void);

/* The frames below `end` are as the host gave them: zero. To clear one for the first time is to leave it alone. */
void hosted_memory_fresh(uint32_t end);

/* Bytes mapped for frame array `slot`. */
size_t hosted_array_bytes(uint32_t slot);

/* Prints the calling stack on stderr, symbolised as well as this host can. */
void hosted_backtrace(void);

/* Called by arch_panic before it aborts (NULL: nothing): the terminal's chance to be set right. */
extern void (*hosted_panic_hook)(void);

/* ---- direct use ---- */

#define HOSTED_LOG_BYTES 4096u

/* Every field may be read and set by the harness at any time; hosted_direct_init sets all to the start of a machine. */
struct hosted_direct {
    uint64_t clock;      /* what arch_clock says, ns */
    uint64_t timer;      /* last arch_timer_set; UINT64_MAX: none */
    uint64_t timer_sets; /* how many */
    uint64_t tlb_count;  /* arch_tlb_invalidate calls, and the arguments of the last: */
    uint64_t tlb_va;
    uint64_t tlb_pages;
    uint64_t root_releases;   /* arch_root_release calls */
    uint64_t thread_inits;    /* arch_thread_init calls */
    uint64_t thread_releases; /* arch_thread_release calls */
    uint64_t fs_base_changes; /* arch_fs_base_changed calls */
    uint64_t kicks;           /* arch_cpu_kick calls */
    uint64_t port_ins;        /* arch_port_in calls */
    uint64_t port_outs;       /* arch_port_out calls */
    uint32_t port_value;      /* what arch_port_in reads */
    uint32_t port_written;    /* last value arch_port_out wrote, */
    uint32_t port_width;      /* its width or the last read's, */
    uint16_t port_number;     /* and port */
    uint16_t irq_lines;       /* lines the machine says it has */
    pfn_t tlb_root;
    pfn_t root_released;        /* last root given to arch_root_release */
    pfn_t thread_released;      /* last thread given to arch_thread_release */
    cpu_t kicked;               /* last CPU kicked */
    uint32_t log_used;          /* bytes in log; more are dropped */
    uint8_t irq_open[IRQS_MAX]; /* 1: unmasked */
    char log[HOSTED_LOG_BYTES];
};
extern struct hosted_direct hosted_direct;

void hosted_direct_init(void);
void hosted_clock_advance(uint64_t nanoseconds);

#endif
