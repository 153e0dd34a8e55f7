/* SPDX-License-Identifier: MIT */
/*
 * The run loop: runs the thread the core names until it stops, copies its registers into the thread object, calls the
 * core's entry, and goes on with the thread that one returns. Between two runs come the interrupts and the timer. With no
 * thread to run the process sleeps in ppoll and uses no CPU.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>
#include <unistd.h>

#include "arch/hosted/native.h"
#include "arch/hosted/network.h"
#include "core/invariant.h"

#define CPU 0u
#define POLL_ENTRIES 64u   /* input is looked at and output written once in so many entries */
#define NETWORK_ENTRIES 4u /* and the network */
#define SECOND 1000000000u

static void regs_load(struct user_regs_struct *to, pfn_t t)
{
    const uint64_t *reg = thread_at[T(t)].reg;

    *to = (struct user_regs_struct){.rax = reg[REG_RAX],
                                    .orig_rax = UINT64_MAX,
                                    .rdi = reg[REG_RDI],
                                    .rsi = reg[REG_RSI],
                                    .rdx = reg[REG_RDX],
                                    .r10 = reg[REG_R10],
                                    .r8 = reg[REG_R8],
                                    .r9 = reg[REG_R9],
                                    .rbx = reg[REG_RBX],
                                    .rbp = reg[REG_RBP],
                                    .r12 = reg[REG_R12],
                                    .r13 = reg[REG_R13],
                                    .r14 = reg[REG_R14],
                                    .r15 = reg[REG_R15],
                                    .rcx = reg[REG_RCX],
                                    .r11 = reg[REG_R11],
                                    .rsp = reg[REG_RSP],
                                    .rip = reg[REG_RIP],
                                    .eflags = reg[REG_RFLAGS] | 0x202u,
                                    .fs_base = reg[REG_FS_BASE],
                                    .cs = 0x33,
                                    .ss = 0x2b};
}

/* All but the FS base: only the core changes that. A program that writes it by instruction, which the host allows, loses
   it at an entry before long. */
static void regs_save(pfn_t t, const struct user_regs_struct *from)
{
    uint64_t *reg = thread_at[T(t)].reg;

    reg[REG_RAX] = from->rax;
    reg[REG_RDI] = from->rdi;
    reg[REG_RSI] = from->rsi;
    reg[REG_RDX] = from->rdx;
    reg[REG_R10] = from->r10;
    reg[REG_R8] = from->r8;
    reg[REG_R9] = from->r9;
    reg[REG_RBX] = from->rbx;
    reg[REG_RBP] = from->rbp;
    reg[REG_R12] = from->r12;
    reg[REG_R13] = from->r13;
    reg[REG_R14] = from->r14;
    reg[REG_R15] = from->r15;
    reg[REG_RCX] = from->rcx;
    reg[REG_R11] = from->r11;
    reg[REG_RSP] = from->rsp;
    reg[REG_RIP] = from->rip;
    reg[REG_RFLAGS] = from->eflags;
}

/* After every entry of the kernel. */
static pfn_t entry_done(pfn_t next)
{
    if (options.check) {
        const char *broken = invariants_broken();

        if (broken != NULL) {
            fprintf(stderr, "\ninvariant broken: %s\n", broken);
            arch_panic("an invariant of the kernel does not hold; next thread", next, 0);
        }
    }
    return next;
}

static pfn_t entry_fault(pfn_t t, uint32_t kind, uint64_t address)
{
    trace_fault(t, kind, address);
    return entry_done(kernel_fault(CPU, kind, address));
}

static pfn_t entry_syscall(pfn_t t)
{
    trace_enter(t);
    return entry_done(kernel_syscall(CPU));
}

/* Registers are in regs all along: filling takes the stub's. */
struct stop stub_run(struct stub *s, pfn_t t, struct user_regs_struct *regs)
{
    const struct stop lost = {STOP_FAULT, FAULT_OTHER, 0};
    struct stop stop;
    int status;

    do {
        bool alive = tlb_settle(s) && vector_switch(s, t) && stub_regs_set(s, regs);

        time_running = s->pid;
        alive = alive && stub_resume(s, PTRACE_SYSEMU, 0, &status);
        time_running = 0;
        time_stops++;
        if (!alive) {
            return lost;
        }
        stop = stop_explain(s, status, regs);
    } while (stop.reason == STOP_RETRY);
    return stop;
}

/* Runs t until it enters the kernel; returns the thread to run next. */
static pfn_t guest_run(pfn_t t)
{
    struct stub *s = stub_get(process_at[P(frame_owner[t])].root);
    struct user_regs_struct regs;
    struct stop stop;

    trace_resume(t);
    if (s == NULL) {
        fprintf(stderr, "atmos-hosted: the host has no process left for an address space\n");
        return entry_fault(t, FAULT_OTHER, 0);
    }
    regs_load(&regs, t);
    stop = stub_run(s, t, &regs);
    if (!s->dead) {
        regs_save(t, &regs);
    }
    time_step();
    switch (stop.reason) {
    case STOP_SYSCALL:
        return entry_syscall(t);
    case STOP_KICK: /* it does not enter the kernel by itself: look at the terminal for it */
        uart_poll();
        uart_flush();
        network_look();
        time_preempt();
        return t;
    case STOP_DEVICE: /* done: what it raised is delivered before the next instruction */
        return t;
    default:
        return entry_fault(t, stop.kind, stop.address);
    }
}

/* Interrupts and the timer, as long as there are any. */
static pfn_t events_deliver(pfn_t t)
{
    for (;;) {
        uint32_t line = irq_take();

        if (machine_signal != 0) {
            machine_exit(128 + machine_signal);
        }
        if (line < IRQS_MAX) {
            t = entry_done(kernel_interrupt(CPU, line));
        } else if (time_due()) {
            t = entry_done(kernel_timer(CPU));
        } else {
            return t;
        }
    }
}

static _Noreturn void nothing_can_wake(void)
{
    uart_flush();
    fprintf(stderr, "atmos-hosted: all threads wait and nothing can wake them: no deadline, no "
                    "interrupt and no input is to come\n");
    machine_exit(1);
}

/* Sleeps until input, a signal, the network, or the time (ns since boot, UINT64_MAX: for ever). */
static void host_sleep(uint64_t until)
{
    uint64_t now = arch_clock();
    uint64_t wait = until == UINT64_MAX ? UINT64_MAX : until > now ? until - now : 0;
    uint64_t start = time_host();
    uint32_t count;
    struct pollfd *fds = network_poll_begin(&count, &wait);
    struct timespec timeout = {.tv_sec = (time_t)(wait / SECOND), .tv_nsec = (long)(wait % SECOND)};
    sigset_t none, all, before;

    fds[0] = (struct pollfd){.fd = uart_at_end() || !uart_listens() ? -1 : STDIN_FILENO,
                             .events = POLLIN};
    sigemptyset(&none);
    sigfillset(&all);
    time_host_timer(false);
    sigprocmask(SIG_SETMASK, &all, &before);
    if (machine_signal == 0) {
        (void)ppoll(fds, count, wait == UINT64_MAX ? NULL : &timeout, &none);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    time_host_timer(true);
    time_slept(time_host() - start);
    network_poll_end();
}

/* No thread is ready. Returns when there may be something for events_deliver. Before a person at a terminal time passes
   as on a clock, logical or not. */
static void guest_idle(void)
{
    uint64_t deadline = time_wanted();
    bool by_clock = options.real_time || isatty(STDIN_FILENO);

    uart_poll();
    uart_flush();
    if (models_poll() || irq_is_pending()) {
        return;
    }
    if (deadline == UINT64_MAX) {
        if (!uart_listens() || (uart_at_end() && !uart_end_of_input())) {
            if (!network_options.on) {
                nothing_can_wake();
            }
            host_sleep(UINT64_MAX);
        } else if (!uart_at_end()) {
            host_sleep(UINT64_MAX);
        }
    } else if (by_clock) {
        host_sleep(deadline);
    } else {
        time_jump();
    }
}

_Noreturn void guest_loop(pfn_t first)
{
    pfn_t t = first;
    uint32_t entries = 0;

    time_host_timer(true);
    for (;;) {
        if (entries % POLL_ENTRIES == 0) {
            uart_poll();
            uart_flush();
        }
        if (entries++ % NETWORK_ENTRIES == 0) {
            network_look();
        }
        (void)models_poll();
        t = events_deliver(t);
        if (t == 0) {
            guest_idle();
        } else {
            t = guest_run(t);
        }
    }
}
