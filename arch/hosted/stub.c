/* SPDX-License-Identifier: MIT */
/*
 * Address-space processes. Each root table that runs has a stub: a host process traced by this one, started from the
 * image of stub_program.S, that holds nothing but mappings of guest frames and one page of its own above USER_TOP. Stubs are a
 * cache: when there are too many, or the host refuses another, the one that ran longest ago goes, and its mappings fill
 * again when they are needed.
 *
 * Why a guest cannot harm the kernel or the host:
 *   - it runs in another host process, started by exec, which shares only the memfd of guest RAM with the kernel; of
 *     that it sees the pages mapped into it, and only tlb.c maps, from the simulated page table;
 *   - it runs under PTRACE_SYSEMU alone, so whatever system call instruction it executes (syscall, int 0x80, sysenter,
 *     the stub page's own) stops it before the host looks at the call;
 *   - should that ever fail, its seccomp filter kills it: only mmap and munmap, only from the gate, are allowed, and a
 *     guest that runs them there is stopped by SYSEMU, as everywhere;
 *   - calls that do act are made by stub_calls, from a list in the stub page that only the kernel can write and that is
 *     empty whenever a guest runs; their results are checked;
 *   - the stub page can be read and jumped to by a guest, unlike on other machines; it holds nothing but the code,
 *     filter and empty list of stub_program.S, and a system call made there is reported as a jump to a forbidden address;
 *   - when the kernel dies, however it does, the stubs are killed (PTRACE_O_EXITKILL, PR_SET_PDEATHSIG).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/hosted/native.h"
#include "arch/hosted/stub_layout.h"

#define STUBS_MAX 256u
#define REGS (sizeof(struct user_regs_struct) / 8)
#define REGS_BYTES offsetof(struct user_regs_struct, ss) /* those that change: all but segments */
#define POKES_MAX 2u       /* registers set one by one: three take longer than all at once */
#define RESTART_FIRST 512u /* ERESTARTSYS to ERESTART_RESTARTBLOCK of the host, in -rax */
#define RESTART_LAST 516u
#define MEMFD_EXECUTABLE 0x10u /* MFD_EXEC of <linux/memfd.h>, not known to older headers */

extern const uint8_t stub_image[], stub_image_end[];

static struct stub stubs[STUBS_MAX];
static uint16_t *stub_of; /* by root: 1 + place in stubs; 0: none */
static int image_fd;
static struct stub_call *list; /* of the page that all stubs map, as the kernel may write it */
static uint64_t runs;

/* What a stub does on its way, by the number it exits with when the host does not let it. */
static const char *const step_name[] = {"run",
                                        "set its death signal",
                                        "leave the terminal",
                                        "close its files",
                                        "be traced",
                                        "set a signal handler",
                                        "set a signal stack",
                                        "unmap its lower memory",
                                        "unmap its stack and vdso",
                                        "give up privileges",
                                        "install its seccomp filter"};
#define STEPS (sizeof step_name / sizeof step_name[0])

/* One core for kernel and stubs: handing over between cores costs ten times as much. */
static void pin_to_one_core(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();

    CPU_ZERO(&set);
    CPU_SET(cpu < 0 ? 0 : (unsigned)cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* slower without, not wrong */
}

/* The image in a file of memory, its list empty. */
static bool image_make(void)
{
    size_t bytes = (size_t)(stub_image_end - stub_image);
    char *page;

    image_fd = memfd_create("atmos-stub", MFD_CLOEXEC | MEMFD_EXECUTABLE);
    if (image_fd < 0) { /* before Linux 6.3 there is no such flag, and no need for it */
        image_fd = memfd_create("atmos-stub", MFD_CLOEXEC);
    }
    if (image_fd < 0 || write(image_fd, stub_image, bytes) != (ssize_t)bytes ||
        (bytes < PAGE_SIZE && ftruncate(image_fd, PAGE_SIZE) != 0)) {
        return false;
    }
    page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, image_fd, 0);
    if (page == MAP_FAILED) {
        return false;
    }
    list = (struct stub_call *)(page + STUB_LIST_AT);
    memset(list, 0, PAGE_SIZE - STUB_LIST_AT);
    return true;
}

void stubs_init(void)
{
    const struct sigaction quiet = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};

    pin_to_one_core();
    sigaction(SIGCHLD, &quiet, NULL); /* a stop is waited for, and need not be signalled, too */
    stub_of = calloc(hosted_frames(), sizeof *stub_of);
    if (stub_of == NULL || !image_make()) {
        fprintf(stderr, "atmos-hosted: cannot prepare address-space processes: %s\n",
                strerror(errno));
        exit(1);
    }
}

/* In the child, which still shares the kernel's memory: touches nothing and becomes the stub. */
static _Noreturn void child_exec(void)
{
    static char name[] = "atmos-space";
    char *const arguments[] = {name, NULL};
    char *const environment[] = {NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(hosted_memory_fd(), 0) == 0) {
        execveat(image_fd, "", arguments, environment, AT_EMPTY_PATH);
    }
    _exit(0);
}

static pid_t child_start(void)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = vfork();
    if (pid == 0) {
        child_exec();
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool stop_wait(struct stub *s, int *status)
{
    while (waitpid(s->pid, status, __WALL) < 0) {
        if (errno != EINTR) {
            s->dead = true;
            return false;
        }
    }
    if (!WIFSTOPPED(*status)) {
        s->dead = true;
        s->reaped = true;
    }
    return !s->dead;
}

/* A host that forbids what stubs need will do so every time: says what, and ends. */
static _Noreturn void host_refuses(unsigned step)
{
    fprintf(stderr,
            "atmos-hosted: this host does not let an address-space process %s; user programs need "
            "ptrace and seccomp\n",
            step_name[step < STEPS ? step : 0]);
    machine_exit(1);
}

/* The stub has given everything up when it stops at the breakpoint behind its last call. */
static bool stub_ready(struct stub *s)
{
    long trace_options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
    int status = 0;

    if (!stop_wait(s, &status)) {
        if (WIFEXITED(status)) {
            host_refuses((unsigned)WEXITSTATUS(status));
        }
        return false; /* the host killed it, for want of memory */
    }
    return WSTOPSIG(status) == SIGTRAP && ptrace(PTRACE_SETOPTIONS, s->pid, 0, trace_options) == 0;
}

static void stub_drop(struct stub *s)
{
    int status;

    if (!s->reaped) { /* its number is still its own */
        kill(s->pid, SIGKILL);
        while (waitpid(s->pid, &status, __WALL) >= 0 || errno == EINTR) {
            if (WIFEXITED(status) || WIFSIGNALED(status)) {
                break;
            }
        }
    }
    vector_lost(s);
    tlb_forget(&s->tlb);
    stub_of[s->root] = 0;
    memset(s, 0, sizeof *s);
}

/* Makes room by dropping the stub that ran longest ago; false: there is none. */
static bool stub_evict(void)
{
    struct stub *oldest = NULL;

    for (struct stub *s = stubs; s < stubs + STUBS_MAX; s++) {
        if (s->pid != 0 && (oldest == NULL || s->used < oldest->used)) {
            oldest = s;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    vector_save(oldest);
    stub_drop(oldest);
    return true;
}

static struct stub *stub_slot(void)
{
    for (;;) {
        for (struct stub *s = stubs; s < stubs + STUBS_MAX; s++) {
            if (s->pid == 0) {
                return s;
            }
        }
        stub_evict();
    }
}

static struct stub *stub_create(pfn_t root)
{
    struct stub *s = stub_slot();

    do {
        s->pid = child_start();
    } while (s->pid < 0 && (s->pid = 0, stub_evict()));
    if (s->pid <= 0) {
        s->pid = 0;
        return NULL;
    }
    s->root = root;
    stub_of[root] = (uint16_t)(s - stubs + 1);
    if (!stub_ready(s)) {
        stub_drop(s);
        return NULL;
    }
    vector_learn(s);
    tlb_begin(s);
    return s;
}

struct stub *stub_get(pfn_t root)
{
    struct stub *s = stub_of[root] == 0 ? NULL : &stubs[stub_of[root] - 1];

    if (s != NULL && s->dead) {
        stub_drop(s);
        s = NULL;
    }
    if (s == NULL) {
        s = stub_create(root);
    }
    if (s != NULL) {
        s->used = ++runs;
    }
    return s;
}

/* All up to the stack pointer: the rest is as it was set. A guest in 32-bit code, which the host shows otherwise, is shown
   whole. */
bool stub_regs_get(struct stub *s, struct user_regs_struct *regs)
{
    struct iovec area = {regs, REGS_BYTES};
    bool there = ptrace(PTRACE_GETREGSET, s->pid, NT_PRSTATUS, &area) == 0;

    s->regs_known = there && area.iov_len == REGS_BYTES;
    if (there && !s->regs_known) {
        there = ptrace(PTRACE_GETREGS, s->pid, 0, regs) == 0;
    }
    memcpy(&s->regs, regs, REGS_BYTES);
    s->dead = s->dead || !there;
    return !s->dead;
}

/* Sets the few registers that differ from what the stub has; false: they are too many, or not known. Left alone is
   orig_rax, which only matters when rax says that the host is to repeat the call. */
static bool regs_poke(struct stub *s, const struct user_regs_struct *regs)
{
    uint64_t have[REGS], want[REGS];
    uint32_t differs[POKES_MAX], count = 0;

    if (!s->regs_known || regs->rax + RESTART_LAST <= RESTART_LAST - RESTART_FIRST) {
        return false;
    }
    memcpy(have, &s->regs, sizeof have);
    memcpy(want, regs, sizeof want);
    for (uint32_t i = 0; i < REGS; i++) {
        if (have[i] != want[i] && i != offsetof(struct user_regs_struct, orig_rax) / 8) {
            if (count == POKES_MAX) {
                return false;
            }
            differs[count++] = i;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (ptrace(PTRACE_POKEUSER, s->pid, 8ul * differs[i], want[differs[i]]) != 0) {
            return false;
        }
    }
    return true;
}

/* Sets all that matter, or also segments and their bases, where these differ or are not known. */
static bool regs_put(struct stub *s, const struct user_regs_struct *regs)
{
    struct user_regs_struct copy = *regs;
    struct iovec area = {&copy, REGS_BYTES};
    bool rest_known =
        s->regs_known && memcmp((char *)&s->regs + REGS_BYTES, (char *)&copy + REGS_BYTES,
                                sizeof copy - REGS_BYTES) == 0;

    return rest_known ? ptrace(PTRACE_SETREGSET, s->pid, NT_PRSTATUS, &area) == 0
                      : ptrace(PTRACE_SETREGS, s->pid, 0, regs) == 0;
}

bool stub_regs_set(struct stub *s, const struct user_regs_struct *regs)
{
    if (!regs_poke(s, regs) && !regs_put(s, regs)) {
        s->dead = true;
    }
    s->regs = *regs;
    s->regs_known = true;
    return !s->dead;
}

bool stub_resume(struct stub *s, int request, int signal_number, int *status)
{
    s->regs_known = false;
    if (ptrace((enum __ptrace_request)request, s->pid, 0, (long)signal_number) != 0) {
        s->dead = true;
        return false;
    }
    return stop_wait(s, status);
}

/* The stub makes the calls from r12 to r13 and stops; a signal that comes between is dropped. */
uint32_t stub_calls(struct stub *s, const struct stub_call *calls, uint32_t count, uint64_t *result)
{
    struct user_regs_struct regs = {.rip = STUB_NEXT,
                                    .orig_rax = UINT64_MAX,
                                    .r12 = STUB_LIST,
                                    .r13 = STUB_LIST + count * sizeof *calls,
                                    .cs = 0x33,
                                    .ss = 0x2b,
                                    .eflags = 0x202};
    bool alive;
    int status;

    memcpy(list, calls, count * sizeof *calls);
    alive = stub_regs_set(s, &regs);
    do {
        alive = alive && stub_resume(s, PTRACE_CONT, 0, &status) && stub_regs_get(s, &regs);
    } while (alive && (regs.rip != STUB_DONE || WSTOPSIG(status) != SIGTRAP));
    memset(list, 0, count * sizeof *calls);
    *result = regs.rax;
    return alive ? (uint32_t)((regs.r12 - STUB_LIST) / sizeof *calls) : 0;
}

long stub_call(struct stub *s, const uint64_t call[7])
{
    struct stub_call one = {.number = call[0]};
    uint64_t result;

    memcpy(one.argument, call + 1, sizeof one.argument);
    (void)stub_calls(s, &one, 1, &result);
    return s->dead ? -ESRCH : (long)result;
}

void arch_root_release(pfn_t root)
{
    if (stub_of[root] != 0) {
        stub_drop(&stubs[stub_of[root] - 1]);
    }
}

/* Every invalidation waits until the stub runs again: it does not run now, and may never. tlb.c */
void arch_tlb_invalidate(pfn_t root, uint64_t va, uint64_t pages)
{
    if (stub_of[root] != 0) {
        tlb_invalidate(&stubs[stub_of[root] - 1].tlb, va, pages);
    }
}
