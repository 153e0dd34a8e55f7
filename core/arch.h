/* SPDX-License-Identifier: MIT */
/*
 * All the core knows of a machine. An architecture implements the arch_ functions, saves a thread's user registers into
 * thread_at[t].reg at each entry, calls one kernel_ entry on one CPU at a time and with interrupts off, and resumes
 * the thread that the entry returns (0: none is ready, wait for an interrupt). These contracts are trusted:
 * proofs/TRUSTED.md gives the reason for each.
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include "core/window.h"

/*@ ghost extern uint64_t ghost_machine; */ /* stands for all state of the machine the core cannot see */

/* ---- memory ---- */

/* Every field zero, in each window. */
/*@
predicate thread_blank{L}(integer p) =
    thread_at[p].deadline == 0 && thread_at[p].call_id == 0 && thread_at[p].reply_id == 0 &&
    thread_at[p].badge == 0 && thread_at[p].message_va == 0 && thread_at[p].number == 0 &&
    thread_at[p].ticks == 0 && thread_at[p].syscalls == 0 && thread_at[p].fault_kind == 0 &&
    thread_at[p].fault_address == 0 && thread_at[p].reply_to == 0 &&
    thread_at[p].heap_index == 0 && thread_at[p].message_birth == 0 &&
    thread_at[p].message_frame == 0 && thread_at[p].state == 0 && thread_at[p].priority == 0 &&
    thread_at[p].cpu == 0 && thread_at[p].suspended == 0 && thread_at[p].slice == 0 &&
    thread_at[p].calls == 0 && thread_at[p].grants == 0 && thread_at[p].fpu_used == 0 &&
    (\forall integer k; 0 <= k < REG_COUNT ==> thread_at[p].reg[k] == 0) &&
    (\forall integer k; 0 <= k < FPU_BYTES ==> thread_at[p].fpu[k] == 0);
predicate process_blank{L}(integer p) =
    process_at[p].root == 0 && process_at[p].endpoint_page == 0 &&
    process_at[p].handle_free == 0 && process_at[p].handle_fresh == 0 && process_at[p].endpoint_free == 0 &&
    process_at[p].handle_pages == 0 && process_at[p].state == 0 && process_at[p].dying == 0 &&
    process_at[p].reap_stage == 0 && process_at[p].block_size == 0 &&
    process_at[p].name[0] == 0 && process_at[p].name[1] == 0 && process_at[p].charged == 0 &&
    process_at[p].threads == 0 && process_at[p].next_number == 0 && process_at[p].code == 0 &&
    process_at[p].fault_address == 0 && process_at[p].fault_ip == 0 &&
    process_at[p].fault_thread == 0 && process_at[p].death_generation == 0 &&
    process_at[p].death_bits == 0 && process_at[p].fault_generation == 0 &&
    process_at[p].fault_badge == 0 && process_at[p].death_endpoint == 0 &&
    process_at[p].fault_endpoint == 0 && process_at[p].block == 0 &&
    process_at[p].block_done == 0 && process_at[p].reap_cursor == 0 && process_at[p].mapping_birth == 0 &&
    (\forall integer k; 0 <= k < HANDLE_PAGES ==> process_at[p].handle_page[k] == 0) &&
    (\forall integer k; 0 <= k < HANDLES_MAX ==> process_at[p].handle_stack[k] == 0) &&
    (\forall integer k; 0 <= k < ENDPOINTS_MAX ==> process_at[p].endpoint_stack[k] == 0);
predicate container_blank{L}(integer p) =
    container_at[p].total == 0 && container_at[p].used == 0 && container_at[p].carved == 0 &&
    container_at[p].cpus == 0 && container_at[p].depth == 0 && container_at[p].name[0] == 0 &&
    container_at[p].name[1] == 0 && container_at[p].children == 0 &&
    container_at[p].cursor == 0 && container_at[p].ceiling == 0 && container_at[p].dying == 0;
predicate table_blank{L}(integer p) =
    \forall integer k; 0 <= k < TABLE_ENTRIES ==> table_at[p].entry[k] == 0;
predicate page_blank{L}(integer p) = \forall integer k; 0 <= k < 512 ==> page_at[p].word[k] == 0;
predicate endpoint_blank{L}(integer e) =
    endpoint_at[e].first == 0 && endpoint_at[e].last == 0 && endpoint_at[e].events == 0 &&
    endpoint_at[e].generation == 0 && endpoint_at[e].mode == 0;
predicate handle_blank{L}(integer h) =
    handle_at[h].generation == 0 && handle_at[h].badge == 0 && handle_at[h].object == 0 &&
    handle_at[h].kind == 0 && handle_at[h].rights == 0;
predicate frame_blank{L}(integer p) =
    thread_blank(p) && process_blank(p) && container_blank(p) && table_blank(p) && page_blank(p) &&
    (\forall integer e; p * SLOTS <= e < p * SLOTS + SLOTS ==> endpoint_blank(e)) &&
    (\forall integer h; p * SLOTS <= h < p * SLOTS + SLOTS ==> handle_blank(h));
*/

/* Fills one frame with zero bytes, which is zero in every window at once. */
/*@ requires is_frame(p);
    assigns thread_at[p], process_at[p], container_at[p], table_at[p], page_at[p],
            endpoint_at[p * SLOTS .. p * SLOTS + 127], handle_at[p * SLOTS .. p * SLOTS + 127];
    ensures blank: frame_blank(p);
*/
void arch_frame_clear(pfn_t p);

/* Copies words first .. first + count - 1 of one user page to the same places of another, or of itself. */
/*@ requires is_user(from) && is_user(to) && first + count <= 512;
    assigns page_at[to].word[first .. first + count - 1];
    ensures \forall integer i; first <= i < first + count ==> page_at[to].word[i] == \old(page_at[from].word[i]); */
void arch_words_copy(pfn_t from, pfn_t to, uint32_t first, uint32_t count);

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
/*@ requires bits != 0; assigns \nothing; ensures 0 <= \result < 64; ensures (bits & (1 << \result)) != 0;
    ensures \forall integer b; \result < b < 64 ==> (bits & (1 << b)) == 0; */
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
/* What a device writes where to raise a message-signalled line. */
struct arch_message {
    uint64_t address; /* physical */
    uint64_t data;
};
/*@ requires IRQ_MESSAGE_FIRST <= line < IRQ_MESSAGE_FIRST + IRQ_MESSAGES; assigns \nothing; */
struct arch_message arch_irq_message(uint32_t line);
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
   Entries are in entry.h: each runs on CPU cpu and returns the thread to run. */

#endif
