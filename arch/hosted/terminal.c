/* SPDX-License-Identifier: MIT */
/*
 * The terminal, if standard input is one: raw while the system runs, so that it sees keys as a serial line gives them,
 * but Ctrl-C stays a signal. Restored at every end: exit, panic, a fault of the kernel, a signal from outside.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "arch/hosted/native.h"

volatile sig_atomic_t machine_signal;

static struct termios before;
static volatile bool raw;

void terminal_restore(void)
{
    if (raw) {
        raw = false;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    }
}

/* The run loop sees machine_signal at its next turn; a second signal does not wait for a kernel that hangs. */
static void end_asked(int number)
{
    pid_t running = time_running;

    if (machine_signal != 0) {
        terminal_restore();
        _exit(128 + number);
    }
    machine_signal = number;
    if (running != 0) {
        kill(running, SIGALRM);
    }
}

/* A bug of the kernel itself. */
static void kernel_fault_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    signal(number, SIG_DFL);
    arch_panic("the kernel itself faulted: signal, address", (uint64_t)number,
               (uint64_t)(uintptr_t)info->si_addr);
}

static void signals_init(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = end_asked;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        sigaction(ends[i], &action, NULL);
    }
    memset(&action, 0, sizeof action);
    action.sa_sigaction = kernel_fault_signal;
    action.sa_flags = SA_SIGINFO;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct sigaction was;

        sigaction(faults[i], NULL, &was);
        if (was.sa_handler == SIG_DFL) { /* a sanitizer that has its own says more */
            sigaction(faults[i], &action, NULL);
        }
    }
    signal(SIGPIPE, SIG_IGN); /* uart.c looks at the result of write */
    signal(SIGTTOU, SIG_IGN); /* restoring the terminal from the background */
}

void terminal_init(void)
{
    struct termios mode;

    signals_init();
    hosted_panic_hook = terminal_restore;
    if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
        tcgetattr(STDIN_FILENO, &before) != 0) {
        return;
    }
    mode = before;
    mode.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    mode.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped kernel would leave the terminal raw */
    raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
}
