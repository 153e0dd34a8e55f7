/* SPDX-License-Identifier: MIT */
/*
 * The kernel's entries: what an architecture calls, on one CPU at a time and with interrupts off, after it has saved
 * the running thread's registers. Each returns the thread that is to run on the CPU now, whose registers are in its
 * object; 0: none is ready, the CPU waits for an interrupt.
 */
#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include "core/irq.h"

/* The running thread made the system call that its registers say. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu) && cpu_at[cpu].current != 0;
    assigns KERNEL_STATE, irq_at[0 .. IRQS_MAX - 1];
    KERNEL_WF(0)
    ensures \result == cpu_at[cpu].current; */
pfn_t kernel_syscall(cpu_t cpu);

/* The running thread faulted: kind is an enum atm_fault, address what it could not touch. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu) && cpu_at[cpu].current != 0 && kind != FAULT_NONE && kind < FAULT_LAST;
    assigns KERNEL_STATE, irq_at[0 .. IRQS_MAX - 1];
    KERNEL_WF(0)
    ensures \result == cpu_at[cpu].current; */
pfn_t kernel_fault(cpu_t cpu, uint32_t kind, uint64_t address);

/* An interrupt line fired; the machine has acknowledged it but not masked it. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu);
    assigns KERNEL_STATE, irq_at[0 .. IRQS_MAX - 1];
    KERNEL_WF(0)
    ensures \result == cpu_at[cpu].current; */
pfn_t kernel_interrupt(cpu_t cpu, uint32_t line);

/* The time asked by arch_timer_set has come. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu);
    assigns KERNEL_STATE, irq_at[0 .. IRQS_MAX - 1];
    KERNEL_WF(0)
    ensures \result == cpu_at[cpu].current; */
pfn_t kernel_timer(cpu_t cpu);

/* Another CPU asked this one to look for a thread again (arch_cpu_kick), or it has just started. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu);
    assigns KERNEL_STATE, irq_at[0 .. IRQS_MAX - 1];
    KERNEL_WF(0)
    ensures \result == cpu_at[cpu].current; */
pfn_t kernel_resched(cpu_t cpu);

/* The end of an entry: who runs next on cpu. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu);
    assigns KERNEL_STATE;
    ensures kernel_wf && \result == cpu_at[cpu].current; */
pfn_t kernel_leave(cpu_t cpu);

#endif
