/* SPDX-License-Identifier: MIT */
/*
 * All the core knows of a machine. An architecture implements the arch_ functions, saves a thread's user registers into
 * thread_at[t].reg at each entry, calls one kernel_ entry with the big kernel lock held and interrupts off, and resumes
 * the thread that the entry returns (0: none is ready, wait for an interrupt). These contracts are trusted:
 * proofs/TRUSTED.md gives the reason for each.
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include "core/window.h"

/*@ ghost extern uint64_t ghost_machine; */ /* stands for all state of the machine the core cannot see */

/* ---- memory ---- */

/* Fills one frame with zero bytes, which is zero in every window at once. */
/*@ requires is_frame(p);
    assigns thread_at[p], process_at[p], container_at[p], table_at[p], page_at[p],
            endpoint_at[p * SLOTS .. p * SLOTS + 127], handle_at[p * SLOTS .. p * SLOTS + 127];
    ensures tables: \forall integer k; 0 <= k < 512 ==> table_at[p].entry[k] == 0;
    ensures pages: \forall integer k; 0 <= k < 512 ==> page_at[p].word[k] == 0;
    ensures endpoints: \forall integer e; p * SLOTS <= e < p * SLOTS + SLOTS ==>
        endpoint_at[e].first == 0 && endpoint_at[e].last == 0 && endpoint_at[e].events == 0 &&
        endpoint_at[e].generation == 0 && endpoint_at[e].mode == 0;
    ensures handles: \forall integer h; p * SLOTS <= h < p * SLOTS + SLOTS ==>
        handle_at[h].generation == 0 && handle_at[h].badge == 0 && handle_at[h].object == 0 &&
        handle_at[h].kind == 0 && handle_at[h].rights == 0;
*/
void arch_frame_clear(pfn_t p);

/* Puts the kernel's half into a new root table (entries 256..511; hosted: nothing). */
/*@ requires is_table(root);
    assigns table_at[root].entry[256 .. 511]; */
void arch_root_init(pfn_t root);

/* When it returns no CPU holds a translation of [va, va + pages * 4096) in root's address space any more. */
/*@ assigns ghost_machine; */
void arch_tlb_invalidate(pfn_t root, uint64_t va, uint64_t pages);

/* The address space is about to go: no CPU uses root or holds a translation of it when this returns. */
/*@ assigns ghost_machine; */
void arch_root_release(pfn_t root);

/* 1 if the physical pages [first, first + count) are device memory a driver may map: no RAM, nothing of the kernel's. */
/*@ assigns \nothing; ensures \result == 0 || \result == 1; */
int arch_is_device_memory(uint64_t first, uint64_t count);

/* ---- threads ---- */

/* Makes a new thread's fpu[] and any shadow state the machine keeps for it start fresh. */
/*@ requires is_thread(t);
    assigns thread_at[t].fpu[0 .. FPU_BYTES - 1], thread_at[t].fpu_used, ghost_machine; */
void arch_thread_init(pfn_t t);

/* The thread is about to go: forget any state of it that a CPU holds. */
/*@ requires is_thread(t); assigns ghost_machine; */
void arch_thread_release(pfn_t t);

/* Makes registers a user wrote safe to run with: flags a user may not set, non-canonical rip or FS base. */
/*@ requires is_thread(t); assigns thread_at[t].reg[0 .. REG_COUNT - 1]; */
void arch_regs_sanitize(pfn_t t);

/* The running thread's FS base changed in its reg[REG_FS_BASE]. */
/*@ requires is_thread(t); assigns ghost_machine; */
void arch_fs_base_changed(pfn_t t);

/* ---- CPUs, time ---- */

/* Number of the highest set bit. */
/*@ requires bits != 0; assigns \nothing; ensures 0 <= \result < 64; ensures (bits >> \result) % 2 == 1;
    ensures \forall integer b; \result < b < 64 ==> (bits >> b) % 2 == 0; */
uint32_t arch_highest_bit(uint64_t bits);

/* Nanoseconds since boot; never goes back. */
/*@ assigns ghost_machine; */
uint64_t arch_clock(void);

/* Asks for kernel_timer on this CPU at time (ns since boot), soon if that is past; replaces what was asked before.
   UINT64_MAX: not at all. */
/*@ assigns ghost_machine; */
void arch_timer_set(uint64_t time);

/* Makes another CPU enter the kernel soon (kernel_resched). */
/*@ assigns ghost_machine; */
void arch_cpu_kick(cpu_t cpu);

/* ---- devices ---- */

/* Number of interrupt lines, at most IRQS_MAX. */
/*@ assigns \nothing; ensures \result <= IRQS_MAX; */
uint32_t arch_irq_count(void);
/*@ requires line < IRQS_MAX; assigns ghost_machine; */
void arch_irq_mask(uint32_t line);
/*@ requires line < IRQS_MAX; assigns ghost_machine; */
void arch_irq_unmask(uint32_t line);
/* width: 1, 2 or 4 */
/*@ requires width == 1 || width == 2 || width == 4; assigns ghost_machine; */
uint32_t arch_port_in(uint16_t port, uint32_t width);
/*@ requires width == 1 || width == 2 || width == 4; assigns ghost_machine; */
void arch_port_out(uint16_t port, uint32_t width, uint32_t value);

/* ---- debugging ---- */

/* One byte of the kernel's log. */
/*@ assigns ghost_machine; */
void arch_log_byte(uint8_t byte);

/* A kernel bug: prints what and the values and stops the machine. Never for anything a user did. */
/*@ requires \false; assigns \nothing; ensures \false; */
_Noreturn void arch_panic(const char *what, uint64_t a, uint64_t b);

/* ---- what an architecture calls ----
   Boot: kernel_boot_begin(frames), kernel_boot_ram for each usable range, kernel_boot_cpu for each CPU, then
   kernel_boot_init starts the first process. They are in boot.h.
   Entries, on CPU cpu, each returns the thread to run: */
pfn_t kernel_syscall(cpu_t cpu);
pfn_t kernel_fault(cpu_t cpu, uint32_t kind, uint64_t address);
pfn_t kernel_interrupt(cpu_t cpu, uint32_t line);
pfn_t kernel_timer(cpu_t cpu);
pfn_t kernel_resched(cpu_t cpu);

#endif
