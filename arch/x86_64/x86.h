/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share: the per-CPU structure, the machine as boot found it,
 * instructions as functions, and every function one file offers the others. core/arch.h is what
 * they offer the core.
 */
#ifndef X86_X86_H
#define X86_X86_H

#include "core/arch.h"
#include "core/boot.h"
#include "core/entry.h"
#include "arch/x86_64/asm.h"

/* ---- a CPU ---- */

/* The assembly reads the first fields at the CPU_ places of asm.h, through GS. */
struct x86_cpu {
    struct x86_cpu *self;
    uint64_t scratch; /* the user's rsp for two instructions at system-call entry */
    uint64_t *regs;   /* &thread_at[current].reg[REG_RIP] */
    uint64_t stack;   /* top of its kernel stack */
    pfn_t current;    /* thread whose registers are in regs and in the processor; 0: idle */
    cpu_t number;
    uint32_t smap;     /* 1: CLAC exists */
    pfn_t root;        /* root table in CR3 */
    uint32_t fpu_mask; /* XCR0; 0: FXSAVE only */
    uint8_t *fpu_area; /* where the vector state in the processor belongs; NULL: it is the initial one, and CR0.TS is set */
    uint64_t fs_base;  /* in the processor, unless the thread loaded a selector: then it is 0 */
    uint64_t selectors;   /* DS, ES, FS, GS of the thread that ran last: see switch.h */
    uint64_t timer_asked; /* time the core asked kernel_timer for, ns; UINT64_MAX: not at all */
    uint64_t timer_armed; /* time the LAPIC timer fires at, not later than asked; UINT64_MAX: stopped */
};
extern struct x86_cpu x86_cpu0;

/* Code that only boot runs: small, and not mapped any more when the first thread runs (x86_init_drop). core/boot.c is placed
   with it (x86_64.lds). */
#define X86_INIT __attribute__((section(".init.text"), cold))

/* Registers as an exception in the kernel, or arch_panic, leaves them on a stack; entry.S builds
   it. */
struct x86_frame {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* ---- physical memory ---- */

/* Frames [first, end). */
struct x86_range {
    uint64_t first, end;
};
#define X86_RANGES_MAX 256u
/* Sorted, disjoint, none empty, none touching the next. */
struct x86_ranges {
    struct x86_range range[X86_RANGES_MAX];
    uint32_t count;
};

/* Adds or takes away frames [first, end); an empty or backward range changes nothing. 0: the list
   was full. Then nothing was added, or more than asked taken away: what follows in the range that
   should have become two; call again to take away the rest. */
int x86_ranges_add(struct x86_ranges *list, uint64_t first, uint64_t end);
int x86_ranges_remove(struct x86_ranges *list, uint64_t first, uint64_t end);
/* 1 if any, or all, of the frames [first, end) are in the list. */
int x86_ranges_touch(const struct x86_ranges *list, uint64_t first, uint64_t end);
int x86_ranges_cover(const struct x86_ranges *list, uint64_t first, uint64_t end);
/* Takes count frames out of the list, the lowest that fit, below frame limit, aligned to align
   frames. 0: none fit. */
uint64_t x86_ranges_take(struct x86_ranges *list, uint64_t count, uint64_t align, uint64_t limit);

/* ---- what the loader said ---- */

#define X86_MAP_MAX 256u
#define X86_COMMAND_MAX 1024u
enum { X86_LOADER_UNKNOWN, X86_LOADER_PVH, X86_LOADER_MULTIBOOT2 };
enum { X86_MAP_RAM = 1 }; /* every other type is reserved */

struct x86_loader {
    struct {
        uint64_t base, bytes;
        uint32_t type;
    } map[X86_MAP_MAX];
    uint32_t map_count;
    uint64_t rsdp;         /* physical address; 0: not told */
    uint64_t module;       /* physical address of the initial ramdisk */
    uint64_t module_bytes; /* 0: none was loaded */
    uint64_t info;         /* the loader's own structures that must stay: physical address */
    uint64_t info_bytes;
    char command[X86_COMMAND_MAX];
};
/* Reads kind's structures at physical address info. NULL: done, else what is wrong. Needs the early
   4 GiB map. */
const char *x86_loader_read(struct x86_loader *loader, uint32_t kind, uint32_t info);

/* RAM of the boot map below FRAMES_MAX, fixed after boot; and the part of it that is still free
   during boot. */
extern struct x86_ranges x86_ram;
extern struct x86_ranges x86_free;

/* ---- boot.c, paging.c ---- */

_Noreturn void x86_boot(uint32_t kind, uint32_t info);

#define X86_EARLY_FRAMES 0x100000u /* frames the early tables reach: 4 GiB */

/* Physical memory through the window of user pages: the early 4 GiB, then all of x86_ram. */
static inline void *x86_phys(uint64_t address)
{
    return (void *)(X86_WINDOW_BASE + X86_PHYS_WINDOW * X86_WINDOW_STRIDE + address);
}
static inline uint64_t x86_phys_of_image(const void *p) { return (uint64_t)p - X86_IMAGE_BASE; }

/* Builds the kernel's final address space and enters it. frames: all windows and arrays reach that
   many. */
void x86_paging_init(pfn_t frames);
/* X86_INIT code is not mapped any more. */
void x86_init_drop(void);
extern const uint8_t *x86_text; /* where text that is mapped begins */
/* Maps the device page that holds a physical address, uncached; for ever. NULL: no room. */
volatile void *x86_device_map(uint64_t address);
/* Maps up to X86_PASSAGE_BYTES of any physical memory, cached, until the next call. NULL: too long.
   */
#define X86_PASSAGE_BYTES 0x100000u
const void *x86_passage(uint64_t address, uint64_t bytes);

/* ---- cpu.c, context.c ---- */

/* Fails (says what is missing) or readies tables, stacks and control registers of the only CPU. */
const char *x86_cpu_init(void);
extern uint32_t x86_physical_bits;
void x86_fpu_init(void);
/* First vector instruction of the current thread. */
void x86_fpu_first_use(struct x86_cpu *cpu);

/* Makes thread t the current one: address space, FS base, segments, vector state. Returns where
   entry.S finds its registers; NULL: t is 0, nobody runs. */
uint64_t *x86_switch(struct x86_cpu *cpu, pfn_t t);

/* ---- ipc.c ---- */

/* entry.S jumps here with the argument registers of these calls; none returns. Messages that are not all in registers have
   functions of their own, so that the others have less to save; noinline: with the arguments where they are. */
#define X86_IPC __attribute__((noinline)) void
X86_IPC x86_call(uint64_t handle, uint64_t tag, uint64_t w0, uint64_t unused, uint64_t w2,
                 uint64_t w3);
X86_IPC x86_receive(uint64_t handle, uint64_t options, uint64_t w0, uint64_t unused, uint64_t w2,
                    uint64_t w3);
X86_IPC x86_hand_over(uint64_t name, uint64_t tag, uint64_t w0, struct thread *thread, uint64_t w2,
                      uint64_t w3);
X86_IPC x86_call_memory(uint64_t handle, uint64_t tag, uint64_t w0, uint64_t unused, uint64_t w2,
                        uint64_t w3);
X86_IPC x86_reply_receive(uint64_t handle, uint64_t tag, uint64_t w0, uint64_t unused, uint64_t w2,
                          uint64_t w3);
X86_IPC x86_reply_receive_memory(uint64_t handle, uint64_t tag, uint64_t w0, uint64_t unused,
                                 uint64_t w2, uint64_t w3);

/* ---- syscall.c ---- */

/*
 * The running thread made the system call of that number, with the arguments that its registers say. Returns the status for
 * rax if it goes on, 0 or less; else X86_SWITCH + the thread that runs now, 0: none. The status is in the thread's object
 * then.
 */
int64_t x86_syscall(uint64_t number);
/* The same for the call signal, whose arguments these are. */
int64_t x86_signal(uint64_t handle, uint64_t bits);

/* ---- trap.c, entry.S ---- */

/* Called by entry.S for every vector; returns the thread to run. */
pfn_t x86_trap(struct x86_cpu *cpu, uint32_t vector, uint64_t error);
/* Leaves boot for thread t: what only boot runs is gone. */
_Noreturn void x86_run(pfn_t t);
void x86_syscall_entry(void);
extern const uint64_t x86_vectors[256]; /* entry points */
/* Leaves the kernel: to the thread whose registers x86_switch found, or to wait for an interrupt.
   Does not return. */
static inline void x86_leave(uint64_t *regs)
{
    __asm__ volatile("jmp x86_leave" : : "a"(regs) : "memory");
}

/* ---- acpi.c ---- */

#define X86_IOAPICS_MAX 8u
#define X86_ISA_LINES 16u
struct x86_acpi {
    uint64_t rsdp;  /* 0: no ACPI */
    uint64_t lapic; /* physical address */
    uint64_t hpet;  /* 0: none */
    uint64_t ecam; /* MCFG: configuration space of segment 0, where that of bus 0 is or would be; 0: none */
    uint32_t ecam_first, ecam_last; /* buses it holds */
    uint32_t cpus;                  /* usable processors, 1 at least */
    uint32_t ioapics;
    struct {
        uint64_t address;
        uint32_t base; /* its first global interrupt */
    } ioapic[X86_IOAPICS_MAX];
    struct {
        uint32_t global; /* where the ISA line arrives */
        uint16_t flags;  /* bits 0-1 polarity, 2-3 trigger, as the MADT has them */
    } isa[X86_ISA_LINES];
};
extern struct x86_acpi x86_acpi;
/* Reads what the tables say into x86_acpi; rsdp 0: searches the BIOS area. Any bytes are legal
   input. */
void x86_acpi_init(uint64_t rsdp);

/* ---- apic.c, time.c ---- */

/* Masks the 8259s, enables the local APIC, masks all lines. NULL: done, else what is wrong. */
const char *x86_apic_init(void);
void x86_apic_eoi(void);
/* A line's vector arrived; returns the thread to run. */
pfn_t x86_line_arrived(struct x86_cpu *cpu, uint32_t line);
uint32_t x86_apic_timer_left(void);
void x86_apic_timer_start(uint32_t count);
/* 1 if physical pages [first, end) hold registers of the kernel's own. */
int x86_apic_owns(uint64_t first, uint64_t end);

/* Measures TSC and LAPIC timer against HPET or PIT. NULL: done, else what is wrong. */
const char *x86_time_init(void);
pfn_t x86_timer_arrived(struct x86_cpu *cpu);

/* ---- serial.c, panic.c ---- */

void x86_serial_init(void);
void x86_print(const char *text);
void x86_print_number(uint64_t value);
void x86_print_hex(uint64_t value);
/* One line "atmos: TEXT 0xVALUE". */
void x86_note(const char *text, uint64_t value);
/* Prints registers and backtrace and ends the machine: exit status 126. */
_Noreturn void x86_panic_frame(const struct x86_frame *frame, const char *what, uint64_t a,
                               uint64_t b);
/* Boot cannot go on, and that is not a kernel bug: says so in words; exit status 125. */
_Noreturn void x86_fail(const char *what);

/* ---- instructions ---- */

static inline void x86_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
static inline void x86_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
static inline uint8_t x86_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint64_t x86_rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}
static inline void x86_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}
static inline uint64_t x86_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
static inline uint64_t x86_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
static inline void x86_set_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}
static inline uint64_t x86_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
static inline uint64_t x86_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
static inline void x86_set_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}
static inline uint64_t x86_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
static inline void x86_set_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}
static inline void x86_invlpg(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
struct x86_cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct x86_cpuid x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid id;
    __asm__ volatile("cpuid"
                     : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
                     : "a"(leaf), "c"(subleaf));
    return id;
}
/* The CPU this runs on, and its number. */
static inline struct x86_cpu *x86_this(void)
{
    struct x86_cpu *cpu = &x86_cpu0;
    if (X86_CPUS > 1)
        __asm__("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}
static inline cpu_t x86_number(void) { return X86_CPUS > 1 ? x86_this()->number : 0; }

#define MSR_APIC_BASE 0x1bu
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SFMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

#define CR0_TS 0x8u

#define RFLAGS_CF 0x1u
#define RFLAGS_ONE 0x2u
#define RFLAGS_TF 0x100u
#define RFLAGS_IF 0x200u
#define RFLAGS_DF 0x400u
#define RFLAGS_AC 0x40000u
#define RFLAGS_ID 0x200000u

#endif
