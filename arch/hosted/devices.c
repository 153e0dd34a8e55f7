/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines and ports of the hosted machine: COM1 and the exit port are there, any other port reads as all ones. A
 * line is delivered when it rises and when it is opened while high, never twice for one rise: the core masks a line until
 * its driver has acknowledged it. A message-signalled line has edges alone: one that comes while it is closed is kept.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arch/hosted/native.h"

#define IRQ_LINES 192u
#define UART_PORTS 8u
#define STATUS_MASK 127u
_Static_assert(IRQ_LINES == IRQ_MESSAGE_FIRST + IRQ_MESSAGES,
               "the message-signalled lines are the last");

static struct {
    bool high, open, pending;
} line_at[IRQ_LINES];
static uint32_t pending_count;

static void pending_set(uint32_t line, bool pending)
{
    if (line_at[line].pending != pending) {
        line_at[line].pending = pending;
        pending_count += pending ? 1u : UINT32_MAX;
    }
}

void irq_level(uint32_t line, bool high)
{
    if (high && !line_at[line].high) {
        pending_set(line, true);
    }
    if (!high) {
        pending_set(line, false);
    }
    line_at[line].high = high;
}

void irq_message(uint32_t line)
{
    if (line >= IRQ_MESSAGE_FIRST && line < IRQ_LINES) {
        pending_set(line, true);
    }
}

bool irq_is_open(uint32_t line) { return line_at[line].open; }

bool irq_is_pending(void)
{
    if (pending_count == 0) {
        return false;
    }
    for (uint32_t line = 0; line < IRQ_LINES; line++) {
        if (line_at[line].pending && line_at[line].open) {
            return true;
        }
    }
    return false;
}

uint32_t irq_take(void)
{
    if (pending_count == 0) {
        return IRQS_MAX;
    }
    for (uint32_t line = 0; line < IRQ_LINES; line++) {
        if (line_at[line].pending && line_at[line].open) {
            pending_set(line, false);
            return line;
        }
    }
    return IRQS_MAX;
}

uint32_t arch_irq_count(void) { return IRQ_LINES; }

void arch_irq_mask(uint32_t line)
{
    if (line < IRQ_LINES) {
        line_at[line].open = false;
    }
}

void arch_irq_unmask(uint32_t line)
{
    if (line < IRQ_LINES) {
        line_at[line].open = true;
        if (line < IRQ_MESSAGE_FIRST) {
            pending_set(line, line_at[line].high);
        }
    }
}

struct arch_message arch_irq_message(uint32_t line)
{
    return (struct arch_message){MESSAGE_ADDRESS, line};
}

uint32_t arch_port_in(uint16_t port, uint32_t width)
{
    if (width == 1 && port >= COM1_PORT && port < COM1_PORT + UART_PORTS) {
        return uart_in((uint16_t)(port - COM1_PORT));
    }
    return width == 1 ? UINT8_MAX : width == 2 ? UINT16_MAX : UINT32_MAX;
}

void arch_port_out(uint16_t port, uint32_t width, uint32_t value)
{
    if (width == 1 && port >= COM1_PORT && port < COM1_PORT + UART_PORTS) {
        uart_out((uint16_t)(port - COM1_PORT), (uint8_t)value);
    } else if (width == 4 && port == EXIT_PORT) {
        machine_exit((int)(value & STATUS_MASK));
    }
}

/* There is one CPU, and it is in the kernel when the core calls this: it looks for work before it runs anything. */
void arch_cpu_kick(cpu_t cpu) { (void)cpu; }

/* The registers are loaded anew whenever a thread runs. */
void arch_fs_base_changed(pfn_t t) { (void)t; }

_Noreturn void machine_exit(int status)
{
    time_host_timer(false);
    trace_end();
    uart_flush();
    terminal_restore();
    exit(status);
}
