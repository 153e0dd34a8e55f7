/* SPDX-License-Identifier: MIT */
/*
 * The system calls call and reply_receive, from the registers of one thread to those of the next in
 * one function. entry.S jumps here when it has stored all registers of the thread, so that nothing
 * need be preserved (x86_64.mk compiles this file so), and none of these functions returns. They
 * are not declared so: gcc takes what never returns for rare, and makes it small and slow.
 */
#include "arch/x86_64/switch.h"
#include "core/ipc_fast.h"

_Static_assert(REGISTER_WORDS == 4, "as the registers of enter_user");

/* The long way, after which anybody may run. */
static __attribute__((noinline)) void long_way(uint64_t number)
{
    struct x86_cpu *cpu = x86_this();
    thread_at[T(cpu->current)].reg[REG_RAX] = number;
    x86_leave(x86_switch(cpu, x86_syscall()));
}

/* To user mode, with status 0 and these results. What waited for a message or an answer is in a system call and may
   return by SYSRET. */
static inline __attribute__((always_inline)) void enter_user(const uint64_t *regs,
                                                             struct ipc_registers r)
{
    register uint64_t r10 __asm__("r10") = r.word[1];
    register uint64_t r8 __asm__("r8") = r.word[2];
    register uint64_t r9 __asm__("r9") = r.word[3];
#define AT(name) "%c[" #name "](%[regs])"
#define PLACE(name) [name] "i"(8 * (REG_##name - REG_RIP))
    __asm__ volatile(
        "movq " AT(
            RBX) ", %%rbx\n\t"
                 "movq " AT(
                     RBP) ", %%rbp\n\t"
                          "movq " AT(
                              R12) ", %%r12\n\t"
                                   "movq " AT(
                                       R13) ", %%r13\n\t"
                                            "movq " AT(
                                                R14) ", %%r14\n\t"
                                                     "movq " AT(
                                                         R15) ", %%r15\n\t"
                                                              "movq " AT(
                                                                  RIP) ", %%rcx\n\t"
                                                                       "movq " AT(
                                                                           RFLAGS) ", %%r11\n\t"
                                                                                   "movq " AT(RSP) ", %%rsp\n\t"
                                                                                                   "xorl %%eax, %%eax\n\t"
                                                                                                   "swapgs\n\t"
                                                                                                   "sysretq"
        :
        : [regs] "a"(regs), "D"(r.name), "S"(r.tag), "d"(r.word[0]), "r"(r10), "r"(r8), "r"(r9),
          PLACE(RBX), PLACE(RBP), PLACE(R12), PLACE(R13), PLACE(R14), PLACE(R15), PLACE(RIP),
          PLACE(RFLAGS), PLACE(RSP)
        : "memory");
}

/* Thread t has handed the CPU over. */
static inline __attribute__((always_inline)) void hand_over(struct x86_cpu *cpu, pfn_t t,
                                                            struct ipc_fast f)
{
    thread_at[T(t)].syscalls++;
    enter_user(x86_switch_to(cpu, f.next, f.process), f.r);
}

void x86_call(uint64_t handle, uint64_t tag, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    struct x86_cpu *cpu = x86_this();
    pfn_t t = cpu->current;
    struct ipc_fast f =
        ipc_fast_call(x86_number(cpu), t, (struct ipc_registers){handle, tag, {w0, w1, w2, w3}});
    if (__builtin_expect(!f.done, 0))
        long_way(SYS_call);
    else
        hand_over(cpu, t, f);
}

void x86_reply_receive(uint64_t handle, uint64_t tag, uint64_t w0, uint64_t w1, uint64_t w2,
                       uint64_t w3)
{
    struct x86_cpu *cpu = x86_this();
    pfn_t t = cpu->current;
    struct ipc_fast f = ipc_fast_reply_receive(
        x86_number(cpu), t, (struct ipc_registers){handle, tag, {w0, w1, w2, w3}});
    if (__builtin_expect(!f.done, 0))
        long_way(SYS_reply_receive);
    else
        hand_over(cpu, t, f);
}
