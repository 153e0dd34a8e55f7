/* SPDX-License-Identifier: MIT */
/*
 * Device memory of programs. Pages that the page table marks as device memory are never mapped in a stub, so an access
 * stops it; the instruction is decoded, carried out on the PCI bus, and skipped. What is no plain mov, or not wholly within
 * device memory the page allows, stays a fault of the program.
 */
#include <sys/mman.h>

#include "arch/hosted/mov.h"
#include "arch/hosted/native.h"
#include "arch/hosted/pci.h"
#include "core/table.h"

/* The page-table entry that makes va device memory; 0: none. */
static uint64_t device_entry(pfn_t root, uint64_t va)
{
    pfn_t table;
    uint64_t entry;

    if (va >= USER_TOP) {
        return 0;
    }
    table = table_find(root, va);
    entry = table_at[PT(table)].entry[table_index(va, table_level[table])];
    return (entry & PTE_PRESENT) != 0 && (entry & PTE_DEVICE) != 0 ? entry : 0;
}

/* Bytes of code at va, as many as an instruction may have and the page table lets execute. */
static uint32_t code_fetch(pfn_t root, uint64_t va, uint8_t code[MOV_BYTES_MAX])
{
    uint32_t count = 0;

    while (count < MOV_BYTES_MAX) {
        uint64_t at = va + count;
        pfn_t frame = 0;

        if ((page_look(root, at, &frame) & PROT_EXEC) == 0) {
            break;
        }
        code[count++] = (uint8_t)(page_at[frame].word[at % PAGE_SIZE / 8] >> (at % 8 * 8));
    }
    return count;
}

static void regs_take(const struct user_regs_struct *regs, uint64_t reg[16])
{
    const uint64_t all[16] = {regs->rax, regs->rcx, regs->rdx, regs->rbx, regs->rsp, regs->rbp,
                              regs->rsi, regs->rdi, regs->r8,  regs->r9,  regs->r10, regs->r11,
                              regs->r12, regs->r13, regs->r14, regs->r15};

    for (uint32_t i = 0; i < 16; i++) {
        reg[i] = all[i];
    }
}

static void reg_give(struct user_regs_struct *regs, uint32_t number, uint64_t value)
{
    unsigned long long *const all[16] = {&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx,
                                         &regs->rsp, &regs->rbp, &regs->rsi, &regs->rdi,
                                         &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                                         &regs->r12, &regs->r13, &regs->r14, &regs->r15};

    *all[number] = value;
}

bool mmio_emulate(pfn_t root, uint64_t address, struct user_regs_struct *regs)
{
    uint64_t entry = device_entry(root, address), reg[16], physical;
    uint8_t code[MOV_BYTES_MAX];
    struct mov m;

    if (entry == 0 || !mov_decode(code, code_fetch(root, regs->rip, code), &m)) {
        return false;
    }
    regs_take(regs, reg);
    if (mov_address(&m, reg, regs->rip + m.length, regs->fs_base, regs->gs_base) != address ||
        address % PAGE_SIZE + m.width > PAGE_SIZE || (m.store && (entry & PTE_WRITE) == 0)) {
        return false;
    }
    physical = entry_frame(entry) * PAGE_SIZE + address % PAGE_SIZE;
    if (m.store) {
        pci_memory_write(physical, m.width, mov_stored(&m, reg));
    } else {
        mov_load(&m, reg, pci_memory_read(physical, m.width));
        reg_give(regs, m.reg, reg[m.reg]);
    }
    regs->rip += m.length;
    return true;
}
