/* SPDX-License-Identifier: MIT */
/*
 * What entry.S calls for every vector: turns it into one kernel entry. Runs with interrupts off.
 */
#include "arch/x86_64/x86.h"

#define ADDRESS_END 0x800000000000ul
#define RFLAGS_USER 0x240dd5ul /* CF PF AF ZF SF TF DF OF AC ID */

#define VECTOR_DEVICE 7u
#define VECTOR_PAGE 14u
#define PAGE_ERROR_WRITE 0x2u
#define PAGE_ERROR_RESERVED 0x8u
#define PAGE_ERROR_FETCH 0x10u

/* What an exception of a user program is called. */
static const uint8_t trap_kinds[32] = {
    [0] = FAULT_DIVIDE,   [1] = FAULT_BREAKPOINT, [3] = FAULT_BREAKPOINT, [6] = FAULT_ILLEGAL,
    [10] = FAULT_ILLEGAL, [11] = FAULT_ILLEGAL,   [12] = FAULT_ILLEGAL,   [13] = FAULT_ILLEGAL,
    [16] = FAULT_FLOAT,   [17] = FAULT_ALIGNMENT, [19] = FAULT_FLOAT,
};

static pfn_t trap_page_fault(struct x86_cpu *cpu, uint64_t error)
{
    uint64_t address = x86_cr2();
    if (error & PAGE_ERROR_RESERVED)
        arch_panic("a page-table entry has reserved bits set (address, error)", address, error);
    uint32_t kind = FAULT_READ;
    if (error & PAGE_ERROR_WRITE)
        kind = FAULT_WRITE;
    else if (error & PAGE_ERROR_FETCH)
        kind = FAULT_EXECUTE;
    return kernel_fault(cpu->number, kind, address);
}

static pfn_t trap_exception(struct x86_cpu *cpu, uint32_t vector, uint64_t error)
{
    if (vector == VECTOR_PAGE)
        return trap_page_fault(cpu, error);
    if (vector == VECTOR_DEVICE) {
        x86_fpu_first_use(cpu);
        return cpu->current;
    }
    uint32_t kind = trap_kinds[vector];
    return kernel_fault(cpu->number, kind ? kind : FAULT_OTHER, 0);
}

pfn_t x86_trap(struct x86_cpu *cpu, uint32_t vector, uint64_t error)
{
    if (vector < 32)
        return trap_exception(cpu, vector, error);
    if (vector >= X86_VECTOR_LINE && vector < X86_VECTOR_LINE + X86_LINES)
        return x86_line_arrived(cpu, vector - X86_VECTOR_LINE);
    if (vector == X86_VECTOR_TIMER)
        return x86_timer_arrived(cpu);
    if (vector == X86_VECTOR_KICK) {
        x86_apic_eoi();
        return kernel_resched(cpu->number);
    }
    if (vector == X86_VECTOR_ERROR)
        x86_apic_eoi();
    return cpu->current; /* spurious: nothing happened, and nothing is to be acknowledged */
}

void arch_regs_sanitize(pfn_t t)
{
    uint64_t *reg = thread_at[T(t)].reg;
    reg[REG_RFLAGS] = (reg[REG_RFLAGS] & RFLAGS_USER) | RFLAGS_IF; /* not RFLAGS_ONE: entry.S */
    /* Address 0 is never mapped: where the processor could not go, the thread faults at once. */
    if (reg[REG_RIP] >= ADDRESS_END)
        reg[REG_RIP] = 0;
    if (reg[REG_FS_BASE] >= ADDRESS_END)
        reg[REG_FS_BASE] = 0;
}
