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

/* The thread to run on cpu; a CPU that was idle starts its tick. */
/*@ requires kernel_wf && cpu < CPUS_MAX;
    ensures kernel_wf && \result == cpu_at[cpu].current; */
static inline pfn_t leave(cpu_t cpu, bool was_idle)
{
    if (dead_first != 0)
        process_close_next();
    pfn_t t = cpu_at[cpu].current;
    if (t != 0 && cpu_at[cpu].ready == 0 && !was_idle)
        return t; /* nobody else */
    t = sched_next(cpu);
    if (was_idle != (t == 0)) {
        if (was_idle)
            cpu_at[cpu].tick_at = arch_clock() + TICK_NS;
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

/* kernel_syscall_long, to be compiled into what a machine does around it. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_started(cpu) && cpu_at[cpu].current != 0;
    ensures kernel_wf && \result == cpu_at[cpu].current; */
INDEX_GUARD pfn_t syscall_long(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    uint64_t number = thread_at[T(t)].reg[REG_RAX];
    thread_at[T(t)].syscalls++;
    status_t status = dispatch(t, number);
    if (status == STATUS_BLOCKED || cpu_at[cpu].current != t) /* t waits, moved, or is gone */
        return leave(cpu, false);
    thread_at[T(t)].reg[REG_RAX] = (uint64_t)0 - (uint64_t)status;
    if (dead_first == 0 && cpu_at[cpu].ready == 0)
        return t; /* as leave says, soonest */
    return leave(cpu, false);
}

pfn_t kernel_syscall_long(cpu_t cpu) { return syscall_long(cpu); }

pfn_t kernel_syscall(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    struct ipc_fast f = fast(cpu, t);
    if (!f.done)
        return kernel_syscall_long(cpu);
    thread_at[T(t)].syscalls++;
    deliver(f.next, f.r);
    return f.next;
}

pfn_t kernel_fault(cpu_t cpu, uint32_t kind, uint64_t address)
{
    ipc_fault(cpu_at[cpu].current, kind, address);
    return leave(cpu, false);
}

pfn_t kernel_interrupt(cpu_t cpu, uint32_t line)
{
    bool was_idle = cpu_at[cpu].current == 0;
    if (line < IRQS_MAX)
        irq_deliver(line);
    return leave(cpu, was_idle);
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
    if (cpu_at[cpu].current != 0 && now >= cpu_at[cpu].tick_at)
        sched_tick(cpu, now);
    if (cpu_at[cpu].current == 0)
        cpu_at[cpu].tick_at = now + TICK_NS;
    pfn_t t = sched_next(cpu);
    sched_timer_arm(cpu);
    return t;
}

pfn_t kernel_resched(cpu_t cpu) { return leave(cpu, cpu_at[cpu].current == 0); }
