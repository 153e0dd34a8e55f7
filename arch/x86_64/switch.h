/* SPDX-License-Identifier: MIT */
/*
 * The switch to another thread, inline: what differs is loaded, and most often only the address space does. What is rare
 * is in context.c.
 */
#ifndef X86_SWITCH_H
#define X86_SWITCH_H

#include "arch/x86_64/x86.h"

#define FPU_CLEAN 0u /* fpu_thread: the vector registers hold the initial state, CR0.TS is set */

/* The processor leaves the thread whose vector state it holds, for thread t; 0: for nobody. */
void x86_fpu_switch(struct x86_cpu *cpu, pfn_t t);
/* The thread that ran loaded selectors, which also sets bases. They are taken away, so that the next one neither sees nor
   suffers from them. */
void x86_segments_clear(void);
void x86_fs_base_load(struct x86_cpu *cpu, uint64_t base);

/* All four selectors at once: 0 unless the thread that ran loaded one. */
static inline uint64_t x86_segments(struct x86_cpu *cpu)
{
    __asm__ volatile("mov %%ds, %0\n\tmov %%es, 2+%0\n\tmov %%fs, 4+%0\n\tmov %%gs, 6+%0"
                     : "=m"(cpu->selectors));
    return cpu->selectors;
}

/* Thread t of process p is the current one; returns where entry.S finds its registers. */
static inline uint64_t *x86_switch_to(struct x86_cpu *cpu, pfn_t t, pfn_t p)
{
    struct thread *thread = &thread_at[T(t)];
    cpu->current = t;
    cpu->regs = &thread->reg[REG_RIP];
    pfn_t root = process_at[P(p)].root;
    if (root != cpu->root) {
        cpu->root = root;
        x86_set_cr3((uint64_t)root * PAGE_SIZE);
    }
    if (__builtin_expect(x86_segments(cpu) != 0, 0))
        x86_segments_clear();
    /* A thread can make its base 0 by loading FS, even with a null selector, but nothing else. */
    if (__builtin_expect((cpu->fs_base | thread->reg[REG_FS_BASE]) != 0, 0))
        x86_fs_base_load(cpu, thread->reg[REG_FS_BASE]);
    if (__builtin_expect((cpu->fpu_thread | thread->fpu_used) != FPU_CLEAN, 0))
        x86_fpu_switch(cpu, t);
    return &thread->reg[REG_RIP];
}

#endif
