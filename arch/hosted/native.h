/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the native build know of each other. One process, one thread, one CPU: guest.c runs the threads the
 * core names, each in the host process of its address space (stub.c); tlb.c is what those processes have mapped;
 * fault.c says why one stopped; vector.c keeps floating point state; time.c, uart.c and devices.c are the machine's
 * devices; trace.c prints system calls.
 */
#ifndef HOSTED_NATIVE_H
#define HOSTED_NATIVE_H

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#undef PAGE_SIZE /* the host's; ours is in atmos/abi.h */

#include "arch/hosted/hosted.h"

/* ---- options.c ---- */

#define OPTION_DISKS 16u

struct option_file {
    const char *file;
    bool read_only;
};

/* What the machine's clock shows at the start: of the host with real_time, else always the same; or as given; or nothing. */
enum option_date { DATE_USUAL, DATE_GIVEN, DATE_NONE };

struct options {
    uint64_t memory;     /* bytes */
    const char *initrd;  /* file */
    const char *command; /* "": interactive */
    uint64_t seed;
    bool seeded;    /* --seed was given */
    bool trace;     /* a line per system call */
    bool check;     /* invariants after every entry */
    bool real_time; /* the host's clock */
    enum option_date date;
    int64_t date_given;                           /* seconds since 1970, of DATE_GIVEN */
    struct option_file disk[OPTION_DISKS], share; /* share.file NULL: none */
    uint32_t disks;
    bool rng;        /* a PCI bus and a source of random numbers, even without other devices */
    const char *lie; /* NULL: devices tell the truth */
};
extern struct options options;

/* Reads the command line; ends the program with a message when there is something wrong with it. */
void options_read(int argc, char **argv);

/* ---- tlb.c: what a stub has mapped ---- */

#define TLB_BUCKETS 64u
#define TLB_PENDING 16u

struct tlb_chunk;
struct tlb {
    struct tlb_chunk *bucket[TLB_BUCKETS];
    struct {
        uint64_t va, end;
    } pending[TLB_PENDING]; /* ranges to unmap before the stub runs again */
    uint32_t pending_count;
    uint32_t changes; /* mmap and munmap calls since it was empty: bounds the host's mappings */
};

struct stub;

/* What the page table says of an address: PROT_ bits, 0 for nothing, and the frame. Device memory counts as nothing. */
int page_look(pfn_t root, uint64_t va, pfn_t *frame);

/* Maps in a new stub what its page table has, as much as one stop can. */
void tlb_begin(struct stub *s);

/* If the page table allows more at va than the stub has mapped, maps it and its neighbours: true, try again. */
bool tlb_fill(struct stub *s, uint64_t va);

/* The pages of [va, va + pages * 4096) are to be unmapped before the stub runs again. */
void tlb_invalidate(struct tlb *tlb, uint64_t va, uint64_t pages);

/* Makes the pending invalidations true. False: the stub is dead. */
bool tlb_settle(struct stub *s);

/* Forgets everything; the stub is gone. */
void tlb_forget(struct tlb *tlb);

/* ---- stub.c: address-space processes ---- */

struct stub {
    pid_t pid;          /* 0: this slot is free */
    pfn_t root;         /* its address space */
    pfn_t vector_owner; /* thread whose floating point state it holds; 0: nobody's */
    bool dead;          /* the host ended it */
    bool reaped;        /* and its process number may be another's */
    bool regs_known;    /* it is stopped, and its registers are regs */
    struct user_regs_struct regs;
    uint64_t used; /* when it ran last, in runs */
    struct tlb tlb;
};

void stubs_init(void);

/* The stub of an address space, made if there is none. NULL: the host has no process left to give. */
struct stub *stub_get(pfn_t root);

/* A host system call (mmap, munmap only) and the result it must have. */
struct stub_call {
    uint64_t number, argument[6], result;
};

/* Makes the stub perform up to STUB_CALLS_MAX calls in one stop, as long as each has its result. Says how many had; and
   what the last returned. */
uint32_t stub_calls(struct stub *s, const struct stub_call *calls, uint32_t count, uint64_t *result);

/* One call. Result or -errno; a dead stub: -ESRCH. */
long stub_call(struct stub *s, const uint64_t call[7]);

/* Resumes with a ptrace request and waits for the next stop. False: it is dead. */
bool stub_resume(struct stub *s, int request, int signal_number, int *status);

bool stub_regs_get(struct stub *s, struct user_regs_struct *regs);
bool stub_regs_set(struct stub *s, const struct user_regs_struct *regs);

/* ---- vector.c: floating point and vector state ---- */

/* Makes the stub hold t's state. False: the stub is dead. */
bool vector_switch(struct stub *s, pfn_t t);
/* Takes the state of the thread a stub holds back into the kernel. */
void vector_save(struct stub *s);
/* The stub is gone, and with it the state of the thread it held. */
void vector_lost(struct stub *s);
/* A host process just started: what it holds is the fresh state. */
void vector_learn(struct stub *s);
/* Around something that destroys the state a stub holds. */
bool vector_keep(struct stub *s);
bool vector_restore(struct stub *s);

/* ---- fault.c ---- */

/* Why a stub that was running a thread stopped. */
enum stop_reason { STOP_RETRY, STOP_SYSCALL, STOP_FAULT, STOP_KICK, STOP_DEVICE };
struct stop {
    enum stop_reason reason;
    uint32_t kind;    /* STOP_FAULT: enum atm_fault, */
    uint64_t address; /* address */
};
struct stop stop_explain(struct stub *s, int status, struct user_regs_struct *regs);

/* ---- models.c ---- */

/* Puts the devices the command line asks for on the bus; ends the program with a message when that cannot be. */
void models_start(void);
/* Work of devices that do not answer at once. False: there was none. */
bool models_poll(void);
/* True if there is a PCI bus. */
bool models_exist(void);

/* ---- mmio.c ---- */

/* An access of a program to `address` faulted. If that is device memory, carries the instruction out and moves regs past
   it. False: it is the program's fault. */
bool mmio_emulate(pfn_t root, uint64_t address, struct user_regs_struct *regs);

/* ---- time.c ---- */

void time_init(void);
/* The kernel is entered: logical time moves. */
void time_step(void);
/* 1 if kernel_timer is to be called now; forgets the request. */
bool time_due(void);
/* Time kernel_timer was asked for, UINT64_MAX: never. */
uint64_t time_wanted(void);
/* Nothing runs until the time asked for: logical time jumps there. */
void time_jump(void);
/* The process slept so many ns of the host's time: logical time moves as much. */
void time_slept(uint64_t nanoseconds);
/* The host's clock, ns. */
uint64_t time_host(void);
/* A thread ran long without entering the kernel. */
void time_preempt(void);
/* Switches the host's interval timer, which interrupts busy loops, off while the kernel is idle. */
void time_host_timer(bool on);
/* The stub that runs now (0: none), for the signal handlers. */
extern volatile pid_t time_running;
/* Counts stops, so that the timer can tell a busy loop. */
extern volatile uint64_t time_stops;

/* ---- uart.c: COM1 ---- */

uint32_t uart_in(uint16_t reg);
void uart_out(uint16_t reg, uint8_t value);
/* Takes what standard input has now. */
void uart_poll(void);
/* True if input, should any come, would raise the interrupt. */
bool uart_listens(void);
/* End of input: a driver that still waits gets one more Ctrl-D. False: it had its share. */
bool uart_end_of_input(void);
bool uart_at_end(void);
/* One byte of output, and all of it out now. */
void uart_put(uint8_t byte);
void uart_flush(void);

/* ---- terminal.c ---- */

void terminal_init(void);
void terminal_restore(void);

/* ---- devices.c ---- */

/* Level of a pin: delivered when it rises and when it is opened while high. */
void irq_level(uint32_t line, bool high);
/* A device wrote message `line` to MESSAGE_ADDRESS: an edge on a message-signalled line. Any number is legal. */
#define MESSAGE_ADDRESS 0xfee00000u
void irq_message(uint32_t line);
/* A line that is raised and open, once for each rise or opening; IRQS_MAX: none. */
uint32_t irq_take(void);
bool irq_is_pending(void);
bool irq_is_open(uint32_t line);
/* Ends the system: flushes, restores the terminal, exits. */
_Noreturn void machine_exit(int status);
/* The signal that asked for an end; 0: none. */
extern volatile sig_atomic_t machine_signal;

/* ---- trace.c ---- */

void trace_init(void);
/* A thread makes a system call; it is about to run again; it is gone. */
void trace_enter(pfn_t t);
void trace_resume(pfn_t t);
void trace_thread_gone(pfn_t t);
/* The system ends: the call that did it will not return. */
void trace_end(void);
void trace_fault(pfn_t t, uint32_t kind, uint64_t address);

/* ---- guest.c ---- */

/* Runs t in its stub, from and to regs, until something concerns the kernel. */
struct stop stub_run(struct stub *s, pfn_t t, struct user_regs_struct *regs);

/* Runs the system, for good. */
_Noreturn void guest_loop(pfn_t first);

#endif
