/* SPDX-License-Identifier: MIT */
/*
 * The program every address-space process starts as. It gives up all a host process has: files but the memory (fd 0),
 * its stack, the vdso, and, by a seccomp filter, every system call but mmap and munmap, and these but from stub_gate.
 * Then it stops for good: from here on the kernel sets its registers. A failure ends it with the number of the step as
 * exit status; stub.c has their names. From stub_next on it makes the calls that the kernel wrote into the list, which
 * is in this page, too: the kernel writes it through the file that the page is of.
 */
#include <asm/unistd_64.h>
#include "arch/hosted/stub_layout.h"

/* From <linux/...>, whose C an assembler cannot read. */
#define PR_SET_PDEATHSIG 1
#define PR_SET_NO_NEW_PRIVS 38
#define PTRACE_TRACEME 0
#define SECCOMP_SET_MODE_FILTER 1
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW 4
#define SECCOMP_RET_KILL_PROCESS 0x80000000
#define SECCOMP_RET_TRAP 0x00030000
#define SECCOMP_RET_ALLOW 0x7fff0000
#define AUDIT_ARCH_X86_64 0xc000003e
#define BPF_LOAD_WORD 0x20
#define BPF_JUMP_EQUAL 0x15
#define BPF_RETURN 0x06
#define SIGSEGV_NUMBER 11
#define SIGKILL_NUMBER 9
#define SA_FLAGS 0x4c000004 /* SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER */

/* step n: make the call; an error ends the process with status n */
.macro call_checked step
        mov     $\step, %r15d
        syscall
        cmp     $-4096, %rax
        ja      stub_fail
.endm

        .text
        .globl  stub_gate, stub_next, stub_done, stub_fail, stub_start
stub_gate:
        syscall
        cmp     56(%r12), %rax
        jne     stub_done
        add     $64, %r12
        .balign 64
stub_next:
        cmp     %r13, %r12
        je      stub_done
        mov     (%r12), %rax
        mov     8(%r12), %rdi
        mov     16(%r12), %rsi
        mov     24(%r12), %rdx
        mov     32(%r12), %r10
        mov     40(%r12), %r8
        mov     48(%r12), %r9
        jmp     stub_gate
        .balign 64
stub_done:
        int3
        .balign 64
stub_fail:
        mov     %r15d, %edi
        mov     $__NR_exit_group, %eax
        syscall
        hlt

stub_start:
        mov     $__NR_prctl, %eax               /* 1: the kernel's death is ours */
        mov     $PR_SET_PDEATHSIG, %edi
        mov     $SIGKILL_NUMBER, %esi
        call_checked 1
        mov     $__NR_setsid, %eax              /* 2: no terminal, no Ctrl-C */
        call_checked 2
        mov     $__NR_close_range, %eax         /* 3: no file but the memory */
        mov     $1, %edi
        mov     $0xffffffff, %esi
        xor     %edx, %edx
        call_checked 3
        mov     $__NR_ptrace, %eax              /* 4 */
        mov     $PTRACE_TRACEME, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        xor     %r10d, %r10d
        call_checked 4
        mov     $__NR_rt_sigaction, %eax        /* 5: only to learn error codes: fault.c */
        mov     $SIGSEGV_NUMBER, %edi
        lea     action(%rip), %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        call_checked 5
        mov     $__NR_sigaltstack, %eax         /* 6 */
        lea     alt_stack(%rip), %rdi
        xor     %esi, %esi
        call_checked 6
        mov     $__NR_munmap, %eax              /* 7: everything below this page */
        xor     %edi, %edi
        mov     $STUB_BASE, %rsi
        call_checked 7
        mov     $__NR_munmap, %eax              /* 8: everything above: heap, stack, vdso */
        mov     $STUB_BASE + 0x1000, %rdi
        mov     $STUB_HOST_TOP - STUB_BASE - 0x1000, %rsi
        call_checked 8
        mov     $__NR_prctl, %eax               /* 9 */
        mov     $PR_SET_NO_NEW_PRIVS, %edi
        mov     $1, %esi
        xor     %edx, %edx
        xor     %r10d, %r10d
        xor     %r8d, %r8d
        call_checked 9
        mov     $__NR_seccomp, %eax             /* 10: the last call that acts from here */
        mov     $SECCOMP_SET_MODE_FILTER, %edi
        mov     $SECCOMP_FILTER_FLAG_SPEC_ALLOW, %esi
        lea     program(%rip), %rdx
        call_checked 10
        int3
        hlt

        .balign 8
action: .quad   stub_fail, SA_FLAGS, stub_fail, 0
alt_stack:
        .quad   STUB_ALT_STACK
        .long   0, 0
        .quad   STUB_ALT_BYTES

.macro filter code, jt, jf, k
        .short  \code
        .byte   \jt, \jf
        .long   \k
.endm
#define LOAD(offset) filter BPF_LOAD_WORD, 0, 0, offset
#define IF_EQUAL(value, yes, no) filter BPF_JUMP_EQUAL, yes, no, value
#define RETURN(value) filter BPF_RETURN, 0, 0, value

/* struct seccomp_data: number at 0, architecture at 4, instruction pointer at 8. */
rules:
        LOAD(4)                                 /* 0 */
        IF_EQUAL(AUDIT_ARCH_X86_64, 0, 12)
        LOAD(8)
        IF_EQUAL(STUB_GATE_AFTER & 0xffffffff, 0, 5)
        LOAD(12)
        IF_EQUAL(STUB_GATE_AFTER >> 32, 0, 3)
        LOAD(0)                                 /* 6: from the gate */
        IF_EQUAL(__NR_mmap, 5, 0)
        IF_EQUAL(__NR_munmap, 4, 5)
        LOAD(0)                                 /* 9: the host emulates calls of its vsyscall page */
        IF_EQUAL(__NR_gettimeofday, 4, 0)       /* without a trap; a signal instead makes it a fault */
        IF_EQUAL(__NR_time, 3, 0)
        IF_EQUAL(__NR_getcpu, 2, 1)
        RETURN(SECCOMP_RET_ALLOW)               /* 13 */
        RETURN(SECCOMP_RET_KILL_PROCESS)
        RETURN(SECCOMP_RET_TRAP)
rules_end:
program:
        .short  (rules_end - rules) / 8
        .balign 8
        .quad   rules
