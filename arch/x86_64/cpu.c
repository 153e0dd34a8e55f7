/* SPDX-License-Identifier: MIT */
/*
 * The processor's own tables and control registers: GDT, TSS, IDT, system-call registers,
 * protection bits. Set once at boot. The GDT has no 32-bit code segment for users, and the TSS no
 * I/O bitmap: IN and OUT in user mode fault.
 */
#include "arch/x86_64/x86.h"

struct x86_cpu x86_cpu0;
uint32_t x86_physical_bits = 36;

/* Below each stack an unmapped page: an overflow is a double fault on a stack of its own, never
   silent damage. */
struct x86_stack {
    uint8_t guard[4096];
    uint8_t stack[X86_STACK_BYTES];
};
enum { STACK_KERNEL, STACK_NMI, STACK_DOUBLE, STACK_CHECK, STACK_DEBUG, STACKS };
extern struct x86_stack x86_stacks[STACKS];
extern const uint32_t x86_stacks_count;
struct x86_stack x86_stacks[STACKS] __attribute__((aligned(4096), section(".bss.stacks")));
const uint32_t x86_stacks_count = STACKS;

struct tss {
    uint32_t reserved;
    uint32_t rsp0[2], rsp1[2], rsp2[2];
    uint32_t reserved2[2];
    uint32_t ist[7][2];
    uint32_t reserved3[2];
    uint16_t reserved4;
    uint16_t io_bitmap; /* at or past the limit: there is none */
};
struct gate {
    uint16_t address0;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t address1;
    uint32_t address2;
    uint32_t reserved;
};
struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

static struct tss tss;
static struct gate idt[256] __attribute__((aligned(16)));
static uint64_t gdt[7] = {
    0,
    0x00af9b000000ffff, /* kernel code, 64 bit */
    0x00cf93000000ffff, /* kernel data */
    0x00cff3000000ffff, /* user data */
    0x00affb000000ffff, /* user code, 64 bit */
    0,
    0, /* TSS */
};

_Static_assert(sizeof(struct tss) == 104, "as the processor has it");
_Static_assert(sizeof(struct gate) == 16, "as the processor has it");
_Static_assert(offsetof(struct x86_cpu, self) == CPU_SELF, "asm.h");
_Static_assert(offsetof(struct x86_cpu, scratch) == CPU_SCRATCH, "asm.h");
_Static_assert(offsetof(struct x86_cpu, regs) == CPU_REGS, "asm.h");
_Static_assert(offsetof(struct x86_cpu, stack) == CPU_STACK, "asm.h");
_Static_assert(offsetof(struct x86_cpu, current) == CPU_CURRENT, "asm.h");
_Static_assert(offsetof(struct x86_cpu, smap) == CPU_SMAP, "asm.h");
_Static_assert(offsetof(struct x86_cpu, fpu_mask) == CPU_FPU_MASK, "asm.h");
_Static_assert(offsetof(struct x86_cpu, fpu_area) == CPU_FPU_AREA, "asm.h");
_Static_assert(offsetof(struct thread, fpu) == THREAD_FPU, "asm.h");
_Static_assert(offsetof(struct thread, fpu_used) == THREAD_FPU_USED, "asm.h");
_Static_assert(R_RAX == 8 * REG_RAX && R_RDI == 8 * REG_RDI && R_RSI == 8 * REG_RSI &&
                   R_RDX == 8 * REG_RDX && R_R10 == 8 * REG_R10 && R_R8 == 8 * REG_R8 &&
                   R_R9 == 8 * REG_R9 && R_RBX == 8 * REG_RBX && R_RBP == 8 * REG_RBP &&
                   R_R12 == 8 * REG_R12 && R_R13 == 8 * REG_R13 && R_R14 == 8 * REG_R14 &&
                   R_R15 == 8 * REG_R15 && R_RCX == 8 * REG_RCX && R_R11 == 8 * REG_R11 &&
                   R_RSP == 8 * REG_RSP && R_RIP == 8 * REG_RIP && R_RFLAGS == 8 * REG_RFLAGS,
               "asm.h");
_Static_assert((uint64_t)X86_WINDOW_BASE == 0xffff800000000000ul &&
                   (uint64_t)X86_ARRAY_BASE == 0xffffffff84000000ul && X86_ARRAY_STRIDE == 0x4025140,
               "windows.h");
_Static_assert(X86_SWITCH == FRAMES_MAX, "asm.h");
_Static_assert(SYS_call == 0 && SYS_reply_receive == 1 && SYS_receive == 2 &&
                   SYS_signal == SYS_SIGNAL,
               "the order of entry.S");
#define RECORD_FITS(type, name, slot, count)                                                       \
    _Static_assert(sizeof(type) <= 4 || (slot) == FRAME_ARRAY_COUNT - 1, "windows.h: " #name);
FRAME_ARRAYS(RECORD_FITS)

#define CR4_MCE 0x40ul
#define CR4_PGE 0x80ul
#define CR4_UMIP 0x800ul
#define CR4_SMEP 0x100000ul
#define CR4_SMAP 0x200000ul
#define CR4_KEPT 0x20ul  /* PAE; nothing else a loader may have left: no FSGSBASE, no PCID */
#define SFMASK 0x57700ul /* AC RF NT IOPL DF IF TF */

X86_INIT static uint64_t stack_top(uint32_t which)
{
    return (uint64_t)&x86_stacks[which].stack[X86_STACK_BYTES];
}

X86_INIT static void tss_address(uint32_t *place, uint64_t address)
{
    place[0] = (uint32_t)address;
    place[1] = (uint32_t)(address >> 32);
}

X86_INIT static void tss_init(void)
{
    tss_address(tss.rsp0, stack_top(STACK_KERNEL));
    for (uint32_t i = 1; i < STACKS; i++)
        tss_address(tss.ist[i - 1], stack_top(i));
    tss.io_bitmap = sizeof tss;
    uint64_t base = (uint64_t)&tss;
    gdt[5] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
    gdt[6] = base >> 32;
    struct table_pointer pointer = {sizeof gdt - 1, (uint64_t)gdt};
    __asm__ volatile("lgdt %0\n\tltr %w1" : : "m"(pointer), "r"(X86_TSS) : "memory");
    __asm__ volatile("lldt %w0\n\tmov %0, %%ss" : : "r"(0));
}

X86_INIT static void idt_init(void)
{
    static const uint8_t ist[32] = {
        [1] = STACK_DEBUG, [2] = STACK_NMI, [8] = STACK_DOUBLE, [18] = STACK_CHECK};
    for (uint32_t i = 0; i < 256; i++) {
        idt[i].address0 = (uint16_t)x86_vectors[i];
        idt[i].address1 = (uint16_t)(x86_vectors[i] >> 16);
        idt[i].address2 = (uint32_t)(x86_vectors[i] >> 32);
        idt[i].selector = X86_KERNEL_CODE;
        idt[i].ist = i < 32 ? ist[i] : 0;
        idt[i].type = i == 3 ? 0xee : 0x8e; /* users may say INT3, nothing else */
    }
    struct table_pointer pointer = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

X86_INIT static void syscall_init(void)
{
    x86_wrmsr(MSR_STAR, (uint64_t)X86_SYSRET_BASE << 48 | (uint64_t)X86_KERNEL_CODE << 32);
    x86_wrmsr(MSR_LSTAR, (uint64_t)x86_syscall_entry);
    x86_wrmsr(MSR_CSTAR, 0); /* 32-bit code cannot run */
    x86_wrmsr(MSR_SFMASK, SFMASK);
}

X86_INIT static void protection_init(void)
{
    uint64_t cr4 = (x86_cr4() & CR4_KEPT) | CR4_PGE | CR4_MCE;
    if (x86_cpuid(0, 0).eax >= 7) {
        struct x86_cpuid id = x86_cpuid(7, 0);
        cr4 |= id.ebx >> 7 & 1 ? CR4_SMEP : 0;
        cr4 |= id.ebx >> 20 & 1 ? CR4_SMAP : 0;
        cr4 |= id.ecx >> 2 & 1 ? CR4_UMIP : 0;
    }
    x86_set_cr4(cr4);
    x86_cpu0.smap = (cr4 & CR4_SMAP) != 0;
}

X86_INIT static const char *cpu_lacks(void)
{
    struct x86_cpuid id = x86_cpuid(1, 0);
    if (!(id.edx >> 4 & 1))
        return "this processor has no time stamp counter";
    if (!(id.edx >> 9 & 1))
        return "this processor has no local APIC, or it is disabled";
    if (!(id.edx >> 13 & 1))
        return "this processor has no global pages";
    if (!(id.edx >> 24 & 1) || !(id.edx >> 26 & 1))
        return "this processor has no FXSAVE or no SSE2";
    return NULL;
}

X86_INIT const char *x86_cpu_init(void)
{
    x86_cpu0.self = &x86_cpu0;
    x86_cpu0.stack = stack_top(STACK_KERNEL);
    x86_cpu0.fs_base = UINT64_MAX; /* not known */
    x86_cpu0.timer_asked = UINT64_MAX;
    x86_cpu0.timer_armed = UINT64_MAX;
    tss_init();
    idt_init();
    x86_wrmsr(MSR_GS_BASE, (uint64_t)&x86_cpu0);
    x86_wrmsr(MSR_KERNEL_GS_BASE, 0);
    const char *lack = cpu_lacks();
    if (lack)
        return lack;
    syscall_init();
    protection_init();
    x86_fpu_init();
    if (x86_cpuid(0x80000000, 0).eax >= 0x80000008)
        x86_physical_bits = x86_cpuid(0x80000008, 0).eax & 0xff;
    return NULL;
}

/* ---- the core's questions ---- */

uint32_t arch_port_in(uint16_t port, uint32_t width)
{
    uint32_t value = 0;
    if (width == 1)
        __asm__ volatile("inb %1, %b0" : "+a"(value) : "Nd"(port));
    else if (width == 2)
        __asm__ volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
    else
        __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void arch_port_out(uint16_t port, uint32_t width, uint32_t value)
{
    if (width == 1)
        __asm__ volatile("outb %b0, %1" : : "a"(value), "Nd"(port));
    else if (width == 2)
        __asm__ volatile("outw %w0, %1" : : "a"(value), "Nd"(port));
    else
        __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
