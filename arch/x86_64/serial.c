/* SPDX-License-Identifier: MIT */
/*
 * COM1, polled: the kernel's log and panics. User space drives the same port for its console; both
 * only ever write whole bytes. A machine without the port loses the text and nothing else: every
 * wait is bounded.
 */
#include "arch/x86_64/x86.h"

#define UART_DATA COM1_PORT
#define UART_INTERRUPTS (COM1_PORT + 1)
#define UART_FIFO (COM1_PORT + 2)
#define UART_LINE (COM1_PORT + 3)
#define UART_MODEM (COM1_PORT + 4)
#define UART_STATUS (COM1_PORT + 5)
#define UART_SCRATCH (COM1_PORT + 7)
#define UART_SENDER_EMPTY 0x20u
#define UART_WAIT_MAX 100000u /* polls for one byte: longer than 9600 baud takes */

static int serial_there;

X86_INIT void x86_serial_init(void)
{
    x86_out8(UART_SCRATCH, 0x5a);
    serial_there = x86_in8(UART_SCRATCH) == 0x5a;
    x86_out8(UART_INTERRUPTS, 0);
    x86_out8(UART_LINE, 0x80); /* divisor 1: 115200 baud */
    x86_out8(UART_DATA, 1);
    x86_out8(UART_INTERRUPTS, 0);
    x86_out8(UART_LINE, 3);    /* 8 bits, no parity, 1 stop bit */
    x86_out8(UART_FIFO, 0);    /* off: turning it on would drop a byte that is there already */
    x86_out8(UART_MODEM, 0xb); /* DTR, RTS, interrupt line connected */
}

void arch_log_byte(uint8_t byte)
{
    if (!serial_there)
        return;
    for (uint32_t i = 0; i < UART_WAIT_MAX; i++)
        if (x86_in8(UART_STATUS) & UART_SENDER_EMPTY)
            break;
    x86_out8(UART_DATA, byte);
}

void x86_print(const char *text)
{
    for (; *text; text++)
        arch_log_byte((uint8_t)*text);
}

void x86_print_number(uint64_t value)
{
    char text[21];
    uint32_t i = 20;
    text[i] = 0;
    do {
        text[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    x86_print(text + i);
}

void x86_print_hex(uint64_t value)
{
    char text[19] = "0x";
    for (uint32_t i = 0; i < 16; i++)
        text[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    text[18] = 0;
    x86_print(text);
}

void x86_note(const char *text, uint64_t value)
{
    x86_print("atmos: ");
    x86_print(text);
    x86_print(" ");
    x86_print_hex(value);
    x86_print("\n");
}
