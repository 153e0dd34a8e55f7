/* SPDX-License-Identifier: MIT */
/*
 * What of a thread is in the processor and not in its registers of thread_at: address space, FS
 * base, segment selectors, and x87, SSE and AVX state. Called by entry.S when another thread is to
 * run; the common case is in switch.h.
 *
 * A thread that never used vector state costs nothing: it runs with CR0.TS set and its first vector
 * instruction traps. From then on its state is saved when the CPU leaves it and loaded when the CPU
 * enters it, at once and not lazily, so that a thread never runs with another one's values in the
 * registers, not even out of reach.
 */
#include "arch/x86_64/switch.h"

#define NO_THREAD UINT32_MAX /* current: that thread is gone */
#define CR4_OSFXSR 0x200ul
#define CR4_OSXMMEXCPT 0x400ul
#define CR4_OSXSAVE 0x40000ul
#define CR0_EM 0x4ul
#define CR0_MP 0x2ul
#define CR0_NE 0x20ul
#define XCR0_X87_SSE 3u
#define XCR0_AVX 4u
#define CONTROL_WORD 0x37f /* x87: all exceptions masked, 64-bit precision */
#define MXCSR_PLACE 24
#define MXCSR_LOW 0x80
#define MXCSR_HIGH 0x1f
#define FXSAVE_BYTES 512u

static uint8_t fpu_initial[FPU_BYTES] __attribute__((aligned(64)));

/* Where the state of a thread goes that is gone. */
static uint64_t nobodys_reg[REG_COUNT];
static uint8_t nobodys_fpu[FPU_BYTES] __attribute__((aligned(64)));

/* An all-zero XSAVE header says "initial state" of all parts, FXSAVE needs the control words. */
static void fpu_make_initial(uint8_t *state)
{
    state[0] = CONTROL_WORD & 0xff;
    state[1] = CONTROL_WORD >> 8;
    state[MXCSR_PLACE] = MXCSR_LOW;
    state[MXCSR_PLACE + 1] = MXCSR_HIGH;
}

X86_INIT void x86_fpu_init(void)
{
    x86_cpu0.fpu_area = nobodys_fpu;
    x86_set_cr0((x86_cr0() & ~CR0_EM) | CR0_MP | CR0_NE | CR0_TS);
    x86_set_cr4(x86_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    fpu_make_initial(fpu_initial);
    struct x86_cpuid id = x86_cpuid(1, 0);
    if (id.ecx >> 26 & 1) {
        x86_set_cr4(x86_cr4() | CR4_OSXSAVE);
        uint32_t features = XCR0_X87_SSE | (id.ecx >> 28 & 1 ? XCR0_AVX : 0);
        __asm__ volatile("xsetbv" : : "c"(0), "a"(features), "d"(0));
        /* With the features now on, the processor says how much room their state takes. */
        if (x86_cpuid(13, 0).ebx > FPU_BYTES) {
            features = XCR0_X87_SSE;
            __asm__ volatile("xsetbv" : : "c"(0), "a"(features), "d"(0));
        }
        x86_cpu0.fpu_mask = features;
    }
}

static void fpu_save(const struct x86_cpu *cpu)
{
    if (cpu->fpu_mask != 0)
        __asm__ volatile("xsave64 (%0)"
                         :
                         : "r"(cpu->fpu_area), "a"(cpu->fpu_mask), "d"(0)
                         : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(cpu->fpu_area) : "memory");
}

static void fpu_load(const struct x86_cpu *cpu, const uint8_t *state)
{
    if (cpu->fpu_mask != 0)
        __asm__ volatile("xrstor64 (%0)" : : "r"(state), "a"(cpu->fpu_mask), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(state) : "memory");
}

__attribute__((noinline)) void x86_fpu_switch(void)
{
    struct x86_cpu *cpu = x86_this();
    struct thread *thread = &thread_at[T(cpu->current)];
    __asm__ volatile("clts");
    if (cpu->fpu_area != NULL)
        fpu_save(cpu);
    if (thread->fpu_used) {
        fpu_load(cpu, thread->fpu);
        cpu->fpu_area = thread->fpu;
    } else {
        fpu_load(cpu, fpu_initial);
        cpu->fpu_area = NULL;
        x86_set_cr0(x86_cr0() | CR0_TS);
    }
}

void x86_fpu_first_use(struct x86_cpu *cpu)
{
    thread_at[T(cpu->current)].fpu_used = 1;
    x86_fpu_switch();
}

static void fs_base_load(struct x86_cpu *cpu)
{
    cpu->fs_base = thread_at[T(cpu->current)].reg[REG_FS_BASE];
    x86_wrmsr(MSR_FS_BASE, cpu->fs_base);
}

void x86_segments_switch(void)
{
    struct x86_cpu *cpu = x86_this();
    if (cpu->selectors != 0) /* loading GS may clear its base: the user's must be active meanwhile */
        __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs\n\t"
                         "swapgs\n\tmov %0, %%gs\n\tswapgs"
                         :
                         : "r"(0)
                         : "memory");
    fs_base_load(cpu);
}

uint64_t *x86_switch(struct x86_cpu *cpu, pfn_t t)
{
    if (t == 0) {
        cpu->current = 0;
        return NULL;
    }
    x86_switch_to(cpu, &thread_at[T(t)], t, process_at[P(frame_owner[t])].root);
    return cpu->regs;
}

/* ---- the core's questions ---- */

void arch_thread_init(pfn_t t)
{
    fpu_make_initial(thread_at[T(t)].fpu); /* the rest of a new frame is zero */
}

void arch_thread_release(pfn_t t)
{
    struct x86_cpu *cpu = x86_this();
    if (cpu->fpu_area == thread_at[T(t)].fpu)
        cpu->fpu_area = nobodys_fpu;
    if (cpu->current != t)
        return;
    cpu->current = NO_THREAD;
    cpu->regs = &nobodys_reg[REG_RIP];
}

void arch_fs_base_changed(pfn_t t)
{
    struct x86_cpu *cpu = x86_this();
    if (cpu->current == t)
        fs_base_load(cpu);
}
