/* SPDX-License-Identifier: MIT */
/*
 * The entries of the kernel: what the architecture calls. Each does its work on behalf of the CPU it is on and returns
 * the thread that runs next.
 */
#include "core/entry.h"
#include "core/deadline.h"
#include "core/endpoint.h"
#include "core/ipc.h"
#include "core/ipc_memory.h"
#include "core/irq.h"
#include "core/sched.h"
#include "core/sys.h"
#include "core/thread.h"

/* The handler of a call number. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
INDEX_GUARD status_t dispatch(pfn_t t, uint64_t number)
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
/*@ requires kernel_wf && cpu < CPUS_MAX;
    ensures kernel_wf && \result == cpu_at[cpu].current; */
static pfn_t leave_idle(cpu_t cpu)
{
    pfn_t t = kernel_leave(cpu);
    if (t != 0) {
        cpu_at[CPU(cpu)].tick_at = arch_clock() + TICK_NS;
        sched_timer_arm(cpu);
    }
    return t;
}

/* The short way, where the call has one and it is open. */
/*@ requires kernel_wf && runs(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    ensures kernel_wf; */
static inline struct ipc_fast fast(cpu_t cpu, pfn_t t)
{
    uint64_t number = reg_get(t, REG_RAX);
    struct ipc_registers r = {
        reg_get(t, REG_RDI),
        reg_get(t, REG_RSI),
        {reg_get(t, REG_RDX), reg_get(t, REG_R10), reg_get(t, REG_R8), reg_get(t, REG_R9)}};
    if (number == SYS_call)
        return tag_in_registers(r.tag) ? ipc_fast_call(cpu, t, r) : ipc_memory_call(cpu, t, r);
    if (number == SYS_reply_receive)
        return tag_in_registers(r.tag) ? ipc_fast_reply_receive(cpu, t, r)
                                       : ipc_memory_reply_receive(cpu, t, r);
    return (struct ipc_fast){0, 0, false, r};
}

/* Puts the results of the short way into t's registers. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[0 .. REG_COUNT - 1]; */
static inline void deliver(pfn_t t, struct ipc_registers r)
{
    reg_set(t, REG_RAX, 0);
    reg_set(t, REG_RDI, r.name);
    reg_set(t, REG_RSI, r.tag);
    reg_set(t, REG_RDX, r.word[0]);
    reg_set(t, REG_R10, r.word[1]);
    reg_set(t, REG_R8, r.word[2]);
    reg_set(t, REG_R9, r.word[3]);
}

/* kernel_syscall_long in three, to be compiled into what a machine does around it. First, t's call of that number. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
INDEX_GUARD status_t syscall_handle(pfn_t t, uint64_t number)
{
    thread_at[T(t)].syscalls++;
    return dispatch(t, number);
}

/* Second, whether t simply goes on: it does not wait, nothing of a higher priority is ready, nothing is to be closed. */
/*@ requires kernel_wf && cpu < CPUS_MAX;
    assigns \nothing; */
INDEX_GUARD bool syscall_stays(cpu_t cpu, pfn_t t)
{
    return cpu_at[CPU(cpu)].current == t && dead_first == 0 && sched_keeps(cpu, t);
}

/* Third, if it does not: its status is in its registers then, and another may run. */
/*@ requires kernel_wf && cpu < CPUS_MAX;
    ensures kernel_wf && \result == cpu_at[cpu].current; */
static RARE pfn_t syscall_preempted(cpu_t cpu, pfn_t t, status_t status)
{
    if (cpu_at[CPU(cpu)].current == t)
        thread_at[T(t)].reg[REG_RAX] = (uint64_t)0 - (uint64_t)status;
    return kernel_leave(cpu);
}

/*@ requires kernel_wf && cpu < CPUS_MAX;
    ensures kernel_wf && \result == cpu_at[cpu].current; */
INDEX_GUARD pfn_t syscall_leave(cpu_t cpu, pfn_t t, status_t status)
{
    pfn_t now = cpu_at[CPU(cpu)].current;
    if (now == t || dead_first != 0)
        return syscall_preempted(cpu, t, status);
    return now != 0 ? now : sched_next(cpu); /* whom sched_rotate or sched_hand_over chose may run */
}

pfn_t kernel_syscall_long(cpu_t cpu)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    status_t status = syscall_handle(t, reg_get(t, REG_RAX));
    if (!syscall_stays(cpu, t))
        return syscall_leave(cpu, t, status);
    thread_at[T(t)].reg[REG_RAX] = (uint64_t)0 - (uint64_t)status;
    return t;
}

pfn_t kernel_syscall(cpu_t cpu)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    struct ipc_fast f = fast(cpu, t);
    if (!f.done)
        return kernel_syscall_long(cpu);
    thread_at[T(t)].syscalls++;
    deliver(f.next, f.r);
    return f.next;
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

pfn_t kernel_timer(cpu_t cpu)
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

pfn_t kernel_resched(cpu_t cpu) 
{
    return cpu_at[CPU(cpu)].current == 0 ? leave_idle(cpu) : kernel_leave(cpu);
}
