/* SPDX-License-Identifier: MIT */
/*
 * Every way into the kernel and the only way out. An entry from user mode stores the registers in
 * the current thread's object and calls C, which returns the thread to run;
 * `resume` switches to it if it is another one. A system call stores what C does not preserve at
 * once, and the rest only when another thread is to run.
 *
 * GS: user mode runs with base 0, the kernel with its CPU's structure. Entries swap exactly when
 * they come from user mode, which the saved CS tells; NMI, #DF, #MC and everything else from kernel
 * mode ends in a panic that does not use GS at all, so it does not matter that a SWAPGS may be half
 * done there. Their stacks come from the IST because the first instructions of a system call run on
 * the user's stack pointer.
 *
 * A system call loses rcx and r11, everything else keeps them. A thread that is in a system call
 * has bit 1 of its saved rflags set, as SYSCALL leaves it; everywhere else it is cleared, since it
 * means nothing to the processor. Such a thread returns by SYSRET. Its rip is at most USER_TOP, since nothing above is ever mapped for a user: far from
 * the non-canonical hole, where SYSRET would fault in the kernel. Every other thread returns by
 * IRET.
 *
 * There is one CPU, so there is no lock to take.
 */
#include "asm.h"

#define RFLAGS_ONE 2
#define VECTORS 256
#define EXCEPTIONS 32

    /* Registers at \to, which points to register \at of the object; the rest is saved elsewhere. */
    .macro SAVE_ARGUMENTS to, at
    movq %rdi, R_RDI-\at(\to)
    movq %rsi, R_RSI-\at(\to)
    movq %rdx, R_RDX-\at(\to)
    movq %r10, R_R10-\at(\to)
    movq %r8, R_R8-\at(\to)
    movq %r9, R_R9-\at(\to)
    .endm

    /* What C preserves, but rbx. */
    .macro SAVE_PRESERVED to, at
    movq %rbp, R_RBP-\at(\to)
    movq %r12, R_R12-\at(\to)
    movq %r13, R_R13-\at(\to)
    movq %r14, R_R14-\at(\to)
    movq %r15, R_R15-\at(\to)
    .endm

    /* What system calls write, but rax. */
    .macro LOAD_RESULTS from
    movq R_RDI-R_RIP(\from), %rdi
    movq R_RSI-R_RIP(\from), %rsi
    movq R_RDX-R_RIP(\from), %rdx
    movq R_R10-R_RIP(\from), %r10
    movq R_R8-R_RIP(\from), %r8
    movq R_R9-R_RIP(\from), %r9
    .endm

    .section .text.entry, "ax"

    .globl x86_syscall_entry
    .type x86_syscall_entry, @function
x86_syscall_entry:
    swapgs
    movq %rsp, %gs:CPU_SCRATCH
    movq %gs:CPU_REGS, %rsp
    pushq %gs:CPU_SCRATCH
    SAVE_ARGUMENTS %rsp, R_RSP
    movq %rbx, R_RBX-R_RSP(%rsp)
    movq %rcx, R_RIP-R_RSP(%rsp)
    movq %r11, R_RFLAGS-R_RSP(%rsp)
    cmpq $SYS_SIGNAL, %rax
    jb syscall_ipc
    je syscall_signal
    movq %rax, %rdi
    movq %gs:CPU_STACK, %rsp
    call x86_syscall
syscall_answer:
    testq %rax, %rax
    jg leave_syscall

    /* The same thread goes on, with rax as its status: nothing but results was written to its other registers, and C
       preserved the rest. */
    movq %gs:CPU_REGS, %rsp
    movq R_RIP-R_RIP(%rsp), %rcx
    movq R_RFLAGS-R_RIP(%rsp), %r11
    LOAD_RESULTS %rsp
    movq R_RSP-R_RIP(%rsp), %rsp
    swapgs
    sysretq

    /* These most often end in another thread: all registers are saved at once, and the arguments
       are where C wants them, but for r10. */
    .type syscall_ipc, @function
syscall_ipc:
    SAVE_PRESERVED %rsp, R_RSP
    movq %gs:CPU_STACK, %rsp
    jmp *x86_ipc(,%rax,8)

    /* The tag's low half holds lengths and options: is all of the message in registers? */
    .type syscall_call, @function
syscall_call:
    cmpl $X86_REGISTER_WORDS, %esi
    ja x86_call_memory
    jmp x86_call
    .type syscall_reply_receive, @function
syscall_reply_receive:
    cmpl $X86_REGISTER_WORDS, %esi
    ja x86_reply_receive_memory
    jmp x86_reply_receive

    .type syscall_signal, @function
syscall_signal:
    movq %gs:CPU_STACK, %rsp
    call x86_signal
    jmp syscall_answer

    /* switch.h */
    .globl x86_segments_rare
    .type x86_segments_rare, @function
x86_segments_rare:
    pushq $x86_segments_switch
    jmp preserving
    .type fpu_rare, @function
fpu_rare:
    pushq $x86_fpu_switch
    /* Calls the function whose address is on the stack, and takes that away. */
    .type preserving, @function
preserving:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    call *72(%rsp)
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $8, %rsp
    ret

    .globl x86_fpu_swap
    .type x86_fpu_swap, @function
x86_fpu_swap:
    movq %gs:CPU_FPU_AREA, %r11
    testq %r11, %r11
    jz fpu_rare
    cmpb $0, THREAD_FPU_USED(%rcx)
    je fpu_rare
    movl %gs:CPU_FPU_MASK, %eax
    testl %eax, %eax
    jz fpu_rare
    pushq %rdx
    xorl %edx, %edx
    xsave64 (%r11)
    leaq THREAD_FPU(%rcx), %r11
    movq %r11, %gs:CPU_FPU_AREA
    xrstor64 (%r11)
    popq %rdx
    ret

    /* Back to user mode. rax: the value of %gs:CPU_REGS. */
    .globl x86_restore
    .type x86_restore, @function
x86_restore:
    LOAD_RESULTS %rax
    movq R_RBX-R_RIP(%rax), %rbx
    movq R_RBP-R_RIP(%rax), %rbp
    movq R_R12-R_RIP(%rax), %r12
    movq R_R13-R_RIP(%rax), %r13
    movq R_R14-R_RIP(%rax), %r14
    movq R_R15-R_RIP(%rax), %r15
    movq R_RFLAGS-R_RIP(%rax), %r11
    testb $RFLAGS_ONE, %r11b
    jz restore_full
    movq R_RIP-R_RIP(%rax), %rcx
    movq R_RSP-R_RIP(%rax), %rsp
    movq R_RAX-R_RIP(%rax), %rax
    swapgs
    sysretq

restore_full:
    pushq $X86_USER_DATA
    pushq R_RSP-R_RIP(%rax)
    pushq R_RFLAGS-R_RIP(%rax)
    pushq $X86_USER_CODE
    pushq R_RIP-R_RIP(%rax)
    movq R_RCX-R_RIP(%rax), %rcx
    movq R_R11-R_RIP(%rax), %r11
    movq R_RAX-R_RIP(%rax), %rax
    swapgs
iret_to_user:
    iretq

    /* Perhaps another thread than the one that made the system call: C preserved the caller's registers.
       Of a thread that is gone CPU_REGS points to nobody's. */
    .type leave_syscall, @function
leave_syscall:
    movq %gs:CPU_REGS, %rdx
    SAVE_PRESERVED %rdx, R_RIP
    subl $X86_SWITCH, %eax

    .type resume, @function
resume: /* eax: the thread to run, 0: none */
    movl %eax, %esi
    movq %gs:CPU_SELF, %rdi
    call x86_switch
    /* rax: the value of %gs:CPU_REGS, 0: nobody runs */
    .globl x86_leave
    .type x86_leave, @function
x86_leave:
    testq %rax, %rax
    jnz x86_restore
idle:
    sti
    hlt
    jmp idle

    .globl x86_run
    .type x86_run, @function
x86_run:
    movq %gs:CPU_STACK, %rsp
    pushq %rdi
    call x86_init_drop
    popq %rax
    jmp resume

    /* Stack: vector, error, rip, cs, rflags, rsp, ss. */
    .type trap_entry, @function
trap_entry:
    testb $3, 24(%rsp)
    jz trap_from_kernel
    swapgs
    pushq %rbx
    movq %gs:CPU_REGS, %rbx
    movq %rax, R_RAX-R_RIP(%rbx)
    SAVE_ARGUMENTS %rbx, R_RIP
    SAVE_PRESERVED %rbx, R_RIP
    movq %rcx, R_RCX-R_RIP(%rbx)
    movq %r11, R_R11-R_RIP(%rbx)
    popq %rax
    movq %rax, R_RBX-R_RIP(%rbx)
    popq %rsi
    popq %rdx
    popq %rax
    movq %rax, R_RIP-R_RIP(%rbx)
    movq 8(%rsp), %rax
    andl $~RFLAGS_ONE, %eax
    movq %rax, R_RFLAGS-R_RIP(%rbx)
    movq 16(%rsp), %rax
    movq %rax, R_RSP-R_RIP(%rbx)
    cld
    testb $1, %gs:CPU_SMAP
    jz trap_call
    clac
trap_call: /* esi: vector, rdx: error */
    movq %gs:CPU_STACK, %rsp
    movq %gs:CPU_SELF, %rdi
    call x86_trap
    testl %eax, %eax
    jz resume
    cmpl %gs:CPU_CURRENT, %eax
    jne resume
    movq %gs:CPU_REGS, %rax
    jmp x86_restore

    /* Only the idle loop runs with interrupts on, and it has nothing to save. The one instruction
       of the kernel that may fault because of what a thread's registers hold (rip after a jump to
       nowhere) is IRET: then it is the thread's fault, and all its registers are still in its
       object. */
    .type trap_from_kernel, @function
trap_from_kernel:
    cmpq $iret_to_user, 16(%rsp)
    je trap_at_iret
    cmpq $32, (%rsp)
    jb trap_panic
    cmpl $0, %gs:CPU_CURRENT
    jne trap_panic
    popq %rsi
    popq %rdx
    jmp trap_call

    .type trap_at_iret, @function
trap_at_iret:
    swapgs
    popq %rsi
    popq %rdx
    jmp trap_call

    .macro PUSH_FRAME
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rbx
    pushq %rax
    .endm

    .type trap_panic, @function
trap_panic:
    PUSH_FRAME
    movq %rsp, %rdi
    xorl %esi, %esi
    xorl %edx, %edx
    xorl %ecx, %ecx
    andq $-16, %rsp
    cld
    call x86_panic_frame
    ud2

    /* arch_panic(what, a, b): the caller's registers, as if it had trapped after the call. */
    .globl arch_panic
    .type arch_panic, @function
arch_panic:
    pushq %rax /* place of ss */
    pushq %rax /* rsp */
    pushfq
    pushq $X86_KERNEL_CODE
    pushq 32(%rsp)
    pushq $0
    pushq $256
    PUSH_FRAME
    movq $X86_KERNEL_DATA, 168(%rsp)
    leaq 184(%rsp), %rax
    movq %rax, 160(%rsp)
    movq %rdx, %rcx
    movq %rsi, %rdx
    movq %rdi, %rsi
    movq %rsp, %rdi
    andq $-16, %rsp
    cli
    call x86_panic_frame
    ud2

    /* One stub an exception. The processor pushes an error code at some; the others push 0. NMI, #DF
       and #MC panic wherever they come from. */
    .altmacro
    .macro EXCEPTION n
vector_\n:
    .if \n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21 || \n == 29 || \n == 30
    .else
    pushq $0
    .endif
    pushq $\n
    .if \n == 2 || \n == 8 || \n == 18
    jmp trap_panic
    .else
    jmp exceptions_end
    .endif
    .endm

    .type vectors, @function
vectors:
    .set i, 0
    .rept EXCEPTIONS / 2
    EXCEPTION %i
    .set i, i + 1
    .endr
exceptions_end:
    jmp trap_entry
    .rept EXCEPTIONS / 2
    EXCEPTION %i
    .set i, i + 1
    .endr

    /* One an interrupt, in groups about a jump that both halves reach by a short one. Its vector less 128 fits a byte. */
    .macro INTERRUPT n, group
vector_\n:
    pushq $\n-128
    jmp group_\group
    .endm
    .macro GROUP group
    .rept 28
    INTERRUPT %i, \group
    .set i, i + 1
    .endr
group_\group:
    jmp interrupt_entry
    .rept 28
    INTERRUPT %i, \group
    .set i, i + 1
    .endr
    .endm
    GROUP 0
    GROUP 1
    GROUP 2
    GROUP 3
    .type interrupt_entry, @function
interrupt_entry:
    pushq (%rsp)
    movq $0, 8(%rsp)
    subq $-128, (%rsp)
    jmp trap_entry

    .macro VECTOR_ADDRESS n
    .quad vector_\n
    .endm
    .section .rodata
    .balign 8
x86_ipc:
    .quad syscall_call, syscall_reply_receive, x86_receive
    .globl x86_vectors
x86_vectors:
    .set i, 0
    .rept VECTORS
    VECTOR_ADDRESS %i
    .set i, i + 1
    .endr
