/* SPDX-License-Identifier: MIT */
/*
 * A system call from the number to its answer, in three steps to be compiled into what a machine does around them:
 * syscall_handle, and then either syscall_stays says that the thread goes on, or syscall_leave says who runs.
 */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include "core/sched.h"
#include "core/sys.h"

/* What the handler of a call number answers. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
status_t dispatch(pfn_t t, uint64_t number);

/* t's call of that number. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
INDEX_GUARD status_t syscall_handle(pfn_t t, uint64_t number)
{
    thread_at[T(t)].syscalls++;
    return dispatch(t, number);
}

/* Whether t simply goes on: it does not wait, nothing of a higher priority is ready, nothing is to be closed. */
/*@ requires kernel_wf && cpu < CPUS_MAX;
    assigns \nothing; */
INDEX_GUARD bool syscall_stays(cpu_t cpu, pfn_t t)
{
    return cpu_at[CPU(cpu)].current == t && dead_first == 0 && sched_keeps(cpu, t);
}

/* syscall_leave where t may go on after all, or processes are to be closed: its status is in its registers then. */
/*@ requires kernel_wf && cpu_started(cpu);
    ensures kernel_wf && \result == cpu_at[cpu].current; */
pfn_t syscall_preempted(cpu_t cpu, pfn_t t, status_t status);

/* Who runs if t does not simply go on. */
/*@ requires kernel_wf && cpu_started(cpu);
    ensures kernel_wf && \result == cpu_at[cpu].current; */
INDEX_GUARD pfn_t syscall_leave(cpu_t cpu, pfn_t t, status_t status)
{
    pfn_t now = cpu_at[CPU(cpu)].current;
    if (now == t || dead_first != 0)
        return syscall_preempted(cpu, t, status);
    return now != 0 ? now : sched_next(cpu); /* whom sched_rotate or sched_hand_over chose may run */
}

#endif
