/* SPDX-License-Identifier: MIT */
/*
 * The entries of the kernel: what the architecture calls. Each does its work on behalf of the CPU it is on and returns
 * the thread that runs next.
 */
#include "core/entry.h"
#include "core/deadline.h"
#include "core/endpoint.h"
#include "core/ipc.h"
#include "core/irq.h"
#include "core/sched.h"
#include "core/dispatch.h"
#include "core/thread.h"

__attribute__((noinline)) status_t dispatch(pfn_t t, uint64_t number)
{
#define SYSCALL(number, name, group, nargs, args, results, errors, text)                           \
    case number:                                                                                   \
        return sys_##name(t);
    switch (number) {
#include "atmos/syscalls.def"
    default:
        return ERR_CALL;
    }
#undef SYSCALL
}

pfn_t kernel_leave(cpu_t cpu)
{
    if (dead_first != 0)
        process_close_next();
    return sched_next(cpu);
}

/* The same for a CPU that was idle: if it is not any more, its tick starts. */
/*@ requires kernel_wf && cpu_started(cpu);
    ensures kernel_wf && \result == cpu_at[cpu].current; */
static RARE pfn_t leave_idle(cpu_t cpu)
{
    pfn_t t = kernel_leave(cpu);
    if (t != 0) {
        cpu_at[CPU(cpu)].tick_at = arch_clock() + TICK_NS;
        sched_timer_arm(cpu);
    }
    return t;
}

RARE pfn_t syscall_preempted(cpu_t cpu, pfn_t t, status_t status)
{
    if (cpu_at[CPU(cpu)].current == t)
        thread_at[T(t)].reg[REG_RAX] = (uint64_t)0 - (uint64_t)status;
    return kernel_leave(cpu);
}

pfn_t kernel_fault(cpu_t cpu, uint32_t kind, uint64_t address)
{
    ipc_fault(cpu_at[CPU(cpu)].current, kind, address);
    return kernel_leave(cpu);
}

pfn_t kernel_interrupt(cpu_t cpu, uint32_t line)
{
    bool was_idle = cpu_at[CPU(cpu)].current == 0;
    if (line < IRQS_MAX)
        irq_deliver(line);
    return was_idle ? leave_idle(cpu) : kernel_leave(cpu);
}

/* Ends the wait of up to EXPIRE_PIECE threads whose deadlines have passed. */
/*@ requires kernel_wf;
    ensures kernel_wf; */
static void deadlines_expire(uint64_t now)
{
    uint32_t n;
    /*@ loop invariant 0 <= n <= EXPIRE_PIECE && kernel_wf;
        loop variant EXPIRE_PIECE - n; */
    for (n = 0; n < EXPIRE_PIECE; n++) {
        pfn_t t = deadline_first();
        if (t == 0 || thread_at[T(t)].deadline > now)
            return;
        if (queue_of[t] != 0)
            endpoint_leave(t);
        thread_wake(t, ERR_TIMEOUT);
    }
}

RARE pfn_t kernel_timer(cpu_t cpu)
{
    uint64_t now = arch_clock();
    if (dead_first != 0)
        process_close_next();
    deadlines_expire(now);
    if (cpu_at[CPU(cpu)].current != 0 && now >= cpu_at[CPU(cpu)].tick_at)
        sched_tick(cpu, now);
    if (cpu_at[CPU(cpu)].current == 0)
        cpu_at[CPU(cpu)].tick_at = now + TICK_NS;
    pfn_t t = sched_next(cpu);
    sched_timer_arm(cpu);
    return t;
}

RARE pfn_t kernel_resched(cpu_t cpu)
{
    return cpu_at[CPU(cpu)].current == 0 ? leave_idle(cpu) : kernel_leave(cpu);
}
