/* SPDX-License-Identifier: MIT */
/*
 * Why a stub stopped: a system call, a missing TLB entry (filled here), an access to device memory (carried out here), a
 * fault of the program, or the kernel's own timer.
 * A page the page table allows is filled and tried again; so whatever faults with all it may have mapped is a real fault.
 * Whether that was a read or a write only the processor's error code says, which ptrace does not show: error_code has
 * the host put it into a signal frame, of which the guest never executes an instruction.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "arch/hosted/native.h"
#include "arch/hosted/stub_layout.h"

#define USER_CS 0x33u
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define FRAME_ERROR                                                                                \
    192u /* offset of uc_mcontext.gregs[REG_ERR] in the ucontext_t of a signal frame */
#define ERROR_WRITE 2u
#define ERROR_FETCH 16u
#define TRIES 8 /* signals of the host that may come between */

static struct stop stop_fault(uint32_t kind, uint64_t address)
{
    return (struct stop){STOP_FAULT, kind, address};
}

static struct stop stop_simple(enum stop_reason reason)
{
    return (struct stop){reason, FAULT_NONE, 0};
}

/* One byte of code, as the page table shows it; -1: it is not executable. */
static int code_byte(pfn_t root, uint64_t va)
{
    pfn_t frame = 0;

    if ((page_look(root, va, &frame) & PROT_EXEC) == 0) {
        return -1;
    }
    return (int)(page_at[frame].word[va % PAGE_SIZE / 8] >> (va % 8 * 8) & 0xff);
}

/* The alternate signal stack comes and goes, so that a guest never finds memory it did not map. */
static bool alt_stack_map(struct stub *s)
{
    const uint64_t call[7] = {SYS_mmap,
                              STUB_ALT_STACK,
                              STUB_ALT_BYTES,
                              PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                              UINT64_MAX,
                              0};

    return stub_call(s, call) == STUB_ALT_STACK;
}

static void alt_stack_unmap(struct stub *s)
{
    const uint64_t call[7] = {SYS_munmap, STUB_ALT_STACK, STUB_ALT_BYTES, 0, 0, 0, 0};

    if (stub_call(s, call) != 0 && !s->dead) {
        arch_panic("a stub could not unmap its signal stack", s->root, 0);
    }
}

/* Executes the faulting instruction once more: the same stop, as nothing changed. */
static bool fault_again(struct stub *s, const struct user_regs_struct *regs)
{
    int status = 0;

    for (int i = 0; i < TRIES; i++) {
        if (!stub_regs_set(s, regs) || !stub_resume(s, PTRACE_SYSEMU, 0, &status)) {
            return false;
        }
        if (WSTOPSIG(status) == SIGSEGV) {
            return true;
        }
    }
    return false;
}

/* Lets the host write the signal frame and stops before the handler's first instruction. */
static bool frame_write(struct stub *s, struct user_regs_struct regs, uint64_t *error)
{
    int status = 0;
    uint64_t at;

    regs.rsp =
        0; /* else a guest whose stack pointer is inside the signal stack chooses where in it */
    if (!stub_regs_set(s, &regs) || !stub_resume(s, PTRACE_SINGLESTEP, SIGSEGV, &status) ||
        WSTOPSIG(status) != SIGTRAP || !stub_regs_get(s, &regs)) {
        return false;
    }
    at = regs.rdx;
    if (at < STUB_ALT_STACK || at > STUB_ALT_STACK + STUB_ALT_BYTES - FRAME_ERROR - 8) {
        return false;
    }
    errno = 0;
    *error = (uint64_t)ptrace(PTRACE_PEEKDATA, s->pid, at + FRAME_ERROR, 0);
    return errno == 0;
}

/* Kind of a page fault that the guest is to be told of. */
static uint32_t fault_kind(struct stub *s, const struct user_regs_struct *regs)
{
    uint64_t error = 0;

    if (vector_keep(s) && alt_stack_map(s)) {
        if (!fault_again(s, regs) || !frame_write(s, *regs, &error)) {
            error = 0; /* only a dying stub comes here */
        }
        alt_stack_unmap(s);
        (void)vector_restore(s);
    }
    if ((error & ERROR_FETCH) != 0) {
        return FAULT_EXECUTE;
    }
    return (error & ERROR_WRITE) != 0 ? FAULT_WRITE : FAULT_READ;
}

/* A system call instruction: ours is `syscall` in 64-bit code; int 0x80 and sysenter are no instructions a program may
   use, and the stub's page is none it may execute. */
static struct stop explain_syscall(struct stub *s, struct user_regs_struct *regs)
{
    regs->rax = regs->orig_rax;
    regs->orig_rax = UINT64_MAX; /* the call is over, for the host */
    if (regs->rip >= USER_TOP) {
        regs->rip -= 2;
        return stop_fault(FAULT_EXECUTE, regs->rip);
    }
    if (code_byte(s->root, regs->rip - 2) == 0x0f && code_byte(s->root, regs->rip - 1) == 0x05) {
        return stop_simple(STOP_SYSCALL);
    }
    regs->rip -= 2;
    return stop_fault(FAULT_ILLEGAL, 0);
}

static struct stop explain_segv(struct stub *s, struct user_regs_struct *regs, const siginfo_t *info)
{
    uint64_t address = (uint64_t)info->si_addr;

    if (info->si_code != SEGV_MAPERR && info->si_code != SEGV_ACCERR) {
        return stop_fault(FAULT_ILLEGAL, 0); /* a general protection fault, for the most part */
    }
    if (regs->cs != USER_CS) {
        return stop_fault(FAULT_ILLEGAL, 0);
    }
    if (tlb_fill(s, address)) {
        return stop_simple(STOP_RETRY);
    }
    if (mmio_emulate(s->root, address, regs)) {
        return stop_simple(STOP_DEVICE);
    }
    return stop_fault(fault_kind(s, regs), address);
}

/* The host emulates the calls of its vsyscall page; the stub's filter turns them into this signal, after the return. */
static struct stop explain_vsyscall(struct user_regs_struct *regs, const siginfo_t *info)
{
    regs->rip = (uint64_t)info->si_call_addr;
    regs->rsp -= 8;
    return stop_fault(FAULT_EXECUTE, regs->rip);
}

static struct stop explain_signal(struct stub *s, int number, struct user_regs_struct *regs)
{
    siginfo_t info;

    if (ptrace(PTRACE_GETSIGINFO, s->pid, 0, &info) != 0) {
        return stop_simple(STOP_RETRY); /* a group stop: not of the guest's making */
    }
    if (number == SIGALRM) {
        return stop_simple(STOP_KICK);
    }
    if (info.si_code <= 0) {
        return stop_simple(STOP_RETRY); /* somebody on the host sent it: not the guest's business */
    }
    switch (number) {
    case SIGSEGV:
        return explain_segv(s, regs, &info);
    case SIGTRAP:
        return stop_fault(FAULT_BREAKPOINT, 0);
    case SIGFPE:
        return stop_fault(info.si_code == FPE_INTDIV ? FAULT_DIVIDE : FAULT_FLOAT, 0);
    case SIGBUS:
        return stop_fault(info.si_code == BUS_ADRALN ? FAULT_ALIGNMENT : FAULT_ILLEGAL, 0);
    case SIGSYS:
        return explain_vsyscall(regs, &info);
    default:
        return stop_fault(FAULT_ILLEGAL, 0);
    }
}

struct stop stop_explain(struct stub *s, int status, struct user_regs_struct *regs)
{
    struct stop stop;

    if (!stub_regs_get(s, regs)) {
        return stop_fault(FAULT_OTHER, 0);
    }
    if (WSTOPSIG(status) == SYSCALL_STOP) {
        stop = explain_syscall(s, regs);
    } else {
        stop = explain_signal(s, WSTOPSIG(status), regs);
    }
    if (s->dead) {
        return stop_fault(FAULT_OTHER, 0);
    }
    if (regs->cs != USER_CS && stop.reason != STOP_RETRY && stop.reason != STOP_KICK) {
        return stop_fault(FAULT_ILLEGAL, 0); /* it jumped to 32-bit code */
    }
    return stop;
}
