/* SPDX-License-Identifier: MIT */
/*
 * The 16550: registers as offsets from COM1_PORT. Sending is by the FIFO's 16 bytes: one look at
 * the line status, then two system calls of eight bytes each. Receiving is by interrupt.
 */
#include "uart.h"
#include "lib/startup.h"
#include "lib/sys.h"

#define DATA COM1_PORT
#define INTERRUPT_ENABLE (COM1_PORT + 1)
#define DIVISOR_LOW COM1_PORT        /* while LINE_DIVISOR is set */
#define DIVISOR_HIGH (COM1_PORT + 1) /* while LINE_DIVISOR is set */
#define FIFO_CONTROL (COM1_PORT + 2)
#define FIFO_STATUS (COM1_PORT + 2)
#define LINE_CONTROL (COM1_PORT + 3)
#define MODEM_CONTROL (COM1_PORT + 4)
#define LINE_STATUS (COM1_PORT + 5)

#define ENABLE_RECEIVED 1u
#define FIFO_ENABLE 1u
#define FIFO_IS_ON 0xc0u
#define LINE_8N1 3u
#define LINE_DIVISOR 0x80u
#define MODEM_READY 0xbu /* DTR, RTS, and OUT2, which lets interrupts out */
#define STATUS_RECEIVED 1u
#define STATUS_EMPTY 0x20u
#define STATUS_ABSENT 0xffu /* what a port without a device reads as */

#define FIFO_BYTES 16u
#define ITEMS_MAX 8u /* bytes one port_out takes */

static uint64_t ports, irqs;
static int absent; /* 1: no device: output goes nowhere rather than waiting for ever */

#define EARLY_BYTES 2048u
#define EARLY_PATIENCE 200      /* looks at an empty port before input counts as taken */
static char early[EARLY_BYTES]; /* input that was there before the start */
static size_t early_count, early_taken;

static uint64_t port_get(uint64_t port)
{
    struct atm_result r = atm_port_in(ports, port, 1);
    return r.status == 0 ? r.r[0] : STATUS_ABSENT;
}

static void port_put(uint64_t port, uint64_t value)
{
    atm_port_out(ports, port, 1 | 1 << 8, value);
}

/*
 * Turning the FIFO on throws away a byte that has come already, and while a burst is being read the
 * next byte is on its way. So if there is input, it is read until none has come for a while.
 */
static void early_take(void)
{
    int patience = 0;
    while (early_count < EARLY_BYTES && patience >= 0) {
        if ((port_get(LINE_STATUS) & STATUS_RECEIVED) == 0) {
            patience--;
            continue;
        }
        early[early_count++] = (char)port_get(DATA);
        patience = EARLY_PATIENCE;
    }
}

int64_t uart_start(uint64_t endpoint, uint64_t bits)
{
    ports = startup_handle("ports");
    irqs = startup_handle("irqs");
    absent = port_get(LINE_STATUS) == STATUS_ABSENT;
    struct atm_result r = atm_irq_claim(irqs, COM1_IRQ, endpoint, bits);
    if (r.status != 0 || absent)
        return r.status;
    early_take();
    port_put(INTERRUPT_ENABLE, 0);
    port_put(LINE_CONTROL, LINE_DIVISOR);
    port_put(DIVISOR_LOW, 1);
    port_put(DIVISOR_HIGH, 0);
    port_put(LINE_CONTROL, LINE_8N1);
    if ((port_get(FIFO_STATUS) & FIFO_IS_ON) != FIFO_IS_ON)
        port_put(FIFO_CONTROL, FIFO_ENABLE);
    port_put(MODEM_CONTROL, MODEM_READY);
    port_put(INTERRUPT_ENABLE, ENABLE_RECEIVED);
    return 0;
}

static void fifo_wait(void)
{
    while ((port_get(LINE_STATUS) & STATUS_EMPTY) == 0)
        atm_yield();
}

void uart_write(const char *text, size_t bytes)
{
    size_t room = 0;
    if (absent)
        return;
    while (bytes > 0) {
        uint64_t value = 0;
        if (room == 0) {
            fifo_wait();
            room = FIFO_BYTES;
        }
        size_t n = bytes < ITEMS_MAX ? bytes : ITEMS_MAX;
        for (size_t i = 0; i < n; i++)
            value |= (uint64_t)(unsigned char)text[i] << (8 * i);
        atm_port_out(ports, DATA, 1 | n << 8, value);
        text += n;
        bytes -= n;
        room -= room < ITEMS_MAX ? room : ITEMS_MAX;
    }
}

size_t uart_read(char *to, size_t bytes)
{
    size_t n = 0;
    while (n < bytes && early_taken < early_count)
        to[n++] = early[early_taken++];
    while (n < bytes && !absent && (port_get(LINE_STATUS) & STATUS_RECEIVED) != 0)
        to[n++] = (char)port_get(DATA);
    return n;
}

void uart_acknowledge(void) { atm_irq_ack(irqs, COM1_IRQ); }
