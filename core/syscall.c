/* SPDX-License-Identifier: MIT */
/* The entry of system calls for a machine that has no shorter ones of its own; see entry.h. */
#include "core/dispatch.h"
#include "core/entry.h"
#include "core/ipc_memory.h"

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
    assigns thread_at[t].reg[REG_RAX .. REG_R9];
    ensures status: reg_of(t, REG_RAX) == 0;
    ensures name: reg_of(t, REG_RDI) == r.name && reg_of(t, REG_RSI) == r.tag;
    ensures words: reg_of(t, REG_RDX) == r.word[0] && reg_of(t, REG_R10) == r.word[1] &&
        reg_of(t, REG_R8) == r.word[2] && reg_of(t, REG_R9) == r.word[3];
    KERNEL_KEPT(0) */
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

pfn_t kernel_syscall(cpu_t cpu)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    struct ipc_fast f = fast(cpu, t);
    if (f.done) {
        thread_at[T(t)].syscalls++;
        deliver(f.next, f.r);
        return f.next;
    }
    status_t status = syscall_handle(t, reg_get(t, REG_RAX));
    if (!syscall_stays(cpu, t))
        return syscall_leave(cpu, t, status);
    thread_at[T(t)].reg[REG_RAX] = (uint64_t)0 - (uint64_t)status;
    return t;
}
