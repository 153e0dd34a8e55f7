/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines and ports of the hosted machine: COM1, the clock, the exit port and PCI configuration are there, any other
 * port reads as all ones. A line is delivered when it rises and when it is opened while high, never twice for one rise: the core masks
 * a line until its driver has acknowledged it. A message that comes while its line is closed waits for it to open.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arch/hosted/native.h"
#include "arch/hosted/pci.h"
#include "arch/hosted/rtc.h"

#define IRQ_LINES (IRQ_MESSAGE_FIRST + IRQ_MESSAGES)
#define IRQ_WORDS (IRQ_LINES / 64)
#define UART_PORTS 8u
#define STATUS_MASK 127u
_Static_assert(IRQ_LINES % 64 == 0, "lines fill whole words");

static struct {
    uint64_t high, open, pending; /* a bit a line */
} irq_word[IRQ_WORDS];

static uint64_t bit_of(uint32_t line) { return 1ull << line % 64; }

void irq_level(uint32_t line, bool high)
{
    uint32_t w = line / 64;

    if (!high) {
        irq_word[w].pending &= ~bit_of(line);
        irq_word[w].high &= ~bit_of(line);
    } else if ((irq_word[w].high & bit_of(line)) == 0) {
        irq_word[w].pending |= bit_of(line);
        irq_word[w].high |= bit_of(line);
    }
}

void irq_message(uint32_t line)
{
    if (line >= IRQ_MESSAGE_FIRST && line < IRQ_LINES) {
        irq_word[line / 64].pending |= bit_of(line);
    }
}

bool irq_is_open(uint32_t line) { return (irq_word[line / 64].open & bit_of(line)) != 0; }

/* The first line that is pending and open; IRQS_MAX: none. */
static uint32_t irq_first(void)
{
    for (uint32_t w = 0; w < IRQ_WORDS; w++) {
        uint64_t ready = irq_word[w].pending & irq_word[w].open;

        if (ready != 0) {
            return w * 64 + (uint32_t)__builtin_ctzll(ready);
        }
    }
    return IRQS_MAX;
}

bool irq_is_pending(void) { return irq_first() < IRQS_MAX; }

uint32_t irq_take(void)
{
    uint32_t line = irq_first();

    if (line < IRQS_MAX) {
        irq_word[line / 64].pending &= ~bit_of(line);
    }
    return line;
}

uint32_t arch_irq_count(void) { return IRQ_LINES; }

void arch_irq_mask(uint32_t line)
{
    if (line < IRQ_LINES) {
        irq_word[line / 64].open &= ~bit_of(line);
    }
}

void arch_irq_unmask(uint32_t line)
{
    if (line < IRQ_LINES) {
        irq_word[line / 64].open |= bit_of(line);
        irq_word[line / 64].pending |= irq_word[line / 64].high & bit_of(line);
    }
}

struct arch_message arch_irq_message(uint32_t line)
{
    return (struct arch_message){MESSAGE_ADDRESS, line};
}

static bool is_pci_port(uint16_t port)
{
    return port >= PCI_PORT_ADDRESS && port < PCI_PORT_DATA + 4;
}

uint32_t arch_port_in(uint16_t port, uint32_t width)
{
    if (width == 1 && port >= COM1_PORT && port < COM1_PORT + UART_PORTS) {
        return uart_in((uint16_t)(port - COM1_PORT));
    }
    if (width == 1 && port >= RTC_PORT && port < RTC_PORT + RTC_PORTS) {
        return rtc_in((uint16_t)(port - RTC_PORT), arch_clock());
    }
    if (is_pci_port(port)) {
        return pci_port_in(port, width);
    }
    return width == 1 ? UINT8_MAX : width == 2 ? UINT16_MAX : UINT32_MAX;
}

void arch_port_out(uint16_t port, uint32_t width, uint32_t value)
{
    if (width == 1 && port >= COM1_PORT && port < COM1_PORT + UART_PORTS) {
        uart_out((uint16_t)(port - COM1_PORT), (uint8_t)value);
    } else if (width == 1 && port >= RTC_PORT && port < RTC_PORT + RTC_PORTS) {
        rtc_out((uint16_t)(port - RTC_PORT), (uint8_t)value);
    } else if (is_pci_port(port)) {
        pci_port_out(port, width, value);
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
