/* SPDX-License-Identifier: MIT */
/*
 * The machine of unit tests and fuzzers: devices that only remember what the core asked of them. There is no user code;
 * a harness puts registers into thread_at[t].reg and calls the kernel's entries itself.
 */
#include <string.h>

#include "arch/hosted/hosted.h"

#define DIRECT_IRQ_LINES (IRQ_MESSAGE_FIRST + IRQ_MESSAGES)
#define DIRECT_MESSAGE 0xfee00000u

struct hosted_direct hosted_direct;

void hosted_direct_init(void)
{
    memset(&hosted_direct, 0, sizeof hosted_direct);
    hosted_direct.timer = UINT64_MAX;
    hosted_direct.irq_lines = DIRECT_IRQ_LINES;
}

void hosted_clock_advance(uint64_t nanoseconds) { hosted_direct.clock += nanoseconds; }

void arch_tlb_invalidate(pfn_t root, uint64_t va, uint64_t pages)
{
    hosted_direct.tlb_count++;
    hosted_direct.tlb_root = root;
    hosted_direct.tlb_va = va;
    hosted_direct.tlb_pages = pages;
}

void arch_root_release(pfn_t root)
{
    hosted_direct.root_releases++;
    hosted_direct.root_released = root;
}

/* A new thread's frame is zero already, and nothing here ever uses fpu[]. */
void arch_thread_init(pfn_t t)
{
    (void)t;
    hosted_direct.thread_inits++;
}

void arch_thread_release(pfn_t t)
{
    hosted_direct.thread_releases++;
    hosted_direct.thread_released = t;
}

void arch_fs_base_changed(pfn_t t)
{
    (void)t;
    hosted_direct.fs_base_changes++;
}

uint64_t arch_clock(void) { return hosted_direct.clock; }

void arch_timer_set(uint64_t time)
{
    hosted_direct.timer = time;
    hosted_direct.timer_sets++;
}

void arch_cpu_kick(cpu_t cpu)
{
    hosted_direct.kicks++;
    hosted_direct.kicked = cpu;
}

uint32_t arch_irq_count(void) { return hosted_direct.irq_lines; }

void arch_irq_mask(uint32_t line) { hosted_direct.irq_open[line] = 0; }

void arch_irq_unmask(uint32_t line) { hosted_direct.irq_open[line] = 1; }

struct arch_message arch_irq_message(uint32_t line)
{
    return (struct arch_message){DIRECT_MESSAGE, line};
}

uint32_t arch_port_in(uint16_t port, uint32_t width)
{
    hosted_direct.port_ins++;
    hosted_direct.port_number = port;
    hosted_direct.port_width = width;
    return hosted_direct.port_value;
}

void arch_port_out(uint16_t port, uint32_t width, uint32_t value)
{
    hosted_direct.port_outs++;
    hosted_direct.port_number = port;
    hosted_direct.port_width = width;
    hosted_direct.port_written = value;
}

void arch_log_byte(uint8_t byte)
{
    if (hosted_direct.log_used < HOSTED_LOG_BYTES - 1) {
        hosted_direct.log[hosted_direct.log_used++] = (char)byte;
        hosted_direct.log[hosted_direct.log_used] = 0;
    }
}
