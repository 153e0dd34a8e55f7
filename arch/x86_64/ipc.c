/* SPDX-License-Identifier: MIT */
/*
 * The system calls call and reply_receive, from the registers of one thread to those of the next, and receive. entry.S
 * jumps here when it has stored all registers of the thread, so that nothing need be preserved (x86_64.mk compiles this
 * file so), and none of these functions returns. They are not declared so: gcc takes what never returns for rare, and
 * makes it small and slow.
 */
#include "arch/x86_64/switch.h"
#include "core/entry.h"
#include "core/ipc_memory.h"

_Static_assert(REGISTER_WORDS == 4 && X86_REGISTER_WORDS == 4, "as the registers of enter_user");

#define ARGUMENTS                                                                                  \
    uint64_t handle, uint64_t tag, uint64_t w0, uint64_t unused, uint64_t w2, uint64_t w3
#define INLINE static inline __attribute__((always_inline))
#define NOT_INLINE static __attribute__((noinline))

/* The long way, after which anybody may run. */
NOT_INLINE void long_way(uint64_t number)
{
    int64_t answer = x86_syscall(number);
    struct x86_cpu *cpu = x86_this();
    if (answer <= 0) {
        thread_at[T(cpu->current)].reg[REG_RAX] = (uint64_t)answer;
        x86_leave(cpu->regs);
    } else {
        x86_leave(x86_switch(cpu, (pfn_t)(answer - X86_SWITCH)));
    }
}

/* To user mode, with status 0 and these results. What waited for a message or an answer is in a system call and may
   return by SYSRET. */
INLINE void enter_user(const struct thread *thread, struct ipc_registers r)
{
    register uint64_t r10 __asm__("r10") = r.word[1];
    register uint64_t r8 __asm__("r8") = r.word[2];
    register uint64_t r9 __asm__("r9") = r.word[3];
#define LOAD(name, register) "movq %c[" #name "](%[thread]), %%" register "\n\t"
#define PLACE(name) [name] "i"(8 * REG_##name)
    __asm__ volatile(LOAD(RBX, "rbx") LOAD(RBP, "rbp") LOAD(R12, "r12") LOAD(R13, "r13")
                         LOAD(R14, "r14") LOAD(R15, "r15") LOAD(RFLAGS, "r11") LOAD(RSP, "rsp")
                             LOAD(RIP, "rcx") "xorl %%eax, %%eax\n\tswapgs\n\tsysretq"
                     :
                     : [thread] "c"(thread), "D"(r.name), "S"(r.tag), "d"(r.word[0]), "r"(r10),
                       "r"(r8), "r"(r9), PLACE(RBX), PLACE(RBP), PLACE(R12), PLACE(R13), PLACE(R14),
                       PLACE(R15), PLACE(RFLAGS), PLACE(RSP), PLACE(RIP)
                     : "memory");
}

/* Thread t has handed the CPU over. The second word comes in a register that C does not take arguments in: it is read from
   where entry.S has put it, late, since registers are scarce. When they are scarcer, all are. */
INLINE void hand_over(pfn_t t, struct ipc_fast f, bool memory)
{
    struct thread *thread = &thread_at[T(t)];
    if (memory) {
        f.r.word[0] = thread->reg[REG_RDX];
        f.r.word[2] = thread->reg[REG_R8];
        f.r.word[3] = thread->reg[REG_R9];
    }
    register uint64_t r10 __asm__("r10") = thread->reg[REG_R10];
    register uint64_t r8 __asm__("r8") = f.r.word[2];
    register uint64_t r9 __asm__("r9") = f.r.word[3];
    thread->syscalls++;
    __asm__ volatile("jmp x86_hand_over"
                     :
                     : "D"(f.r.name), "S"(f.r.tag), "d"(f.r.word[0]), "c"(&thread_at[T(f.next)]),
                       "r"(r8), "r"(r9), "r"(r10), "a"(process_at[P(f.process)].root), "b"(f.next)
                     : "memory");
}

/* A thread goes on with these results. The second word, the thread's number and its root are where hand_over has put
   them: in registers that C does not take arguments in. */
void x86_hand_over(uint64_t name, uint64_t tag, uint64_t w0, struct thread *thread, uint64_t w2,
                   uint64_t w3)
{
    register uint64_t r10 __asm__("r10");
    pfn_t root, next;
    __asm__ volatile("" : "=r"(r10), "=a"(root), "=b"(next));
    struct ipc_registers r = {name, tag, {w0, r10, w2, w3}};
    x86_switch_to(x86_this(), thread, next, root);
    enter_user(thread, r);
}

INLINE void call(ARGUMENTS, bool memory)
{
    pfn_t t = x86_this()->current;
    struct ipc_registers r = {handle, tag, {w0, 0, w2, w3}};
    if (tag_in_registers(tag) == memory)
        __builtin_unreachable(); /* entry.S has looked */
    struct ipc_fast f =
        memory ? ipc_memory_call(x86_number(), t, r) : ipc_fast_call(x86_number(), t, r);
    (void)unused;
    if (__builtin_expect(!f.done, 0))
        long_way(SYS_call);
    else
        hand_over(t, f, memory);
}

INLINE void reply_receive(ARGUMENTS, bool memory)
{
    pfn_t t = x86_this()->current;
    struct ipc_registers r = {handle, tag, {w0, 0, w2, w3}};
    if (tag_in_registers(tag) == memory)
        __builtin_unreachable(); /* entry.S has looked */
    struct ipc_fast f = memory ? ipc_memory_reply_receive(x86_number(), t, r)
                               : ipc_fast_reply_receive(x86_number(), t, r);
    (void)unused;
    if (__builtin_expect(!f.done, 0))
        long_way(SYS_reply_receive);
    else
        hand_over(t, f, memory);
}

/* Whoever is ready runs. */
void x86_receive(ARGUMENTS)
{
    struct x86_cpu *cpu = x86_this();
    pfn_t t = cpu->current;
    (void)w0, (void)unused, (void)w2, (void)w3;
    if (__builtin_expect(tag != 0 || !ipc_fast_receive(t, handle, tag), 0)) {
        long_way(SYS_receive);
        return;
    }
    thread_at[T(t)].syscalls++;
    pfn_t next = dead_first != 0 ? kernel_leave(x86_number()) : sched_next(x86_number());
    x86_leave(x86_switch(cpu, next));
}

void x86_call_memory(ARGUMENTS) { call(handle, tag, w0, unused, w2, w3, true); }

void x86_reply_receive_memory(ARGUMENTS) { reply_receive(handle, tag, w0, unused, w2, w3, true); }

void x86_call(ARGUMENTS) { call(handle, tag, w0, unused, w2, w3, false); }

void x86_reply_receive(ARGUMENTS) { reply_receive(handle, tag, w0, unused, w2, w3, false); }
