/* SPDX-License-Identifier: MIT */
/*
 * The switch to another thread, inline: what differs is loaded, and most often only the address space does. What is rare
 * is in context.c.
 */
#ifndef X86_SWITCH_H
#define X86_SWITCH_H

#include "arch/x86_64/x86.h"

/* Segments and FS base of a thread that is not like the others: called when cpu->selectors are not 0, or one of the FS bases
   of the thread that ran and of the current one is not 0. Selectors that a thread loaded are taken away, so that the next one
   neither sees nor suffers from them. */
void x86_segments_switch(void);
/* The processor's vector state becomes that of the current thread. */
void x86_fpu_switch(void);
/* entry.S: the same two, called from amid code that has everything in registers. x86_fpu_swap is quicker where both
   threads have a state; it takes the thread object in rcx and loses rax and r11. */
void x86_segments_rare(void);
void x86_fpu_swap(void);

/* All four selectors at once: 0 unless the thread that ran loaded one. */
static inline uint64_t x86_segments(struct x86_cpu *cpu)
{
    __asm__ volatile("mov %%ds, %0\n\tmov %%es, 2+%0\n\tmov %%fs, 4+%0\n\tmov %%gs, 6+%0"
                     : "=m"(cpu->selectors));
    return cpu->selectors;
}

/* Thread t, which is this one, is the current one; its process has this root. */
static inline void x86_switch_to(struct x86_cpu *cpu, struct thread *thread, pfn_t t, pfn_t root)
{
    cpu->current = t;
    cpu->regs = &thread->reg[REG_RIP];
    if (root != cpu->root) {
        cpu->root = root;
        x86_set_cr3((uint64_t)root * PAGE_SIZE);
    }
    /* A thread can make its FS base 0, by loading even a null selector, but nothing else. */
    if (__builtin_expect((x86_segments(cpu) | cpu->fs_base | thread->reg[REG_FS_BASE]) != 0, 0))
        __asm__ volatile("call x86_segments_rare" : : : "memory");
    if (__builtin_expect(((uintptr_t)cpu->fpu_area | thread->fpu_used) != 0, 0))
        __asm__ volatile("call x86_fpu_swap" : : "c"(thread) : "rax", "r11", "memory");
}

#endif
