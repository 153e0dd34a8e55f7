/* SPDX-License-Identifier: MIT */
/*
 * A 16550 at COM1 between the system's console driver and this process's standard input and output. Received bytes wait
 * in a 16-byte FIFO that is refilled from standard input as it drains; what is transmitted is buffered, and written when
 * the system idles, ends, or the buffer is full. At the end of input the driver finds one Ctrl-D, and another each time
 * all threads wait for input again.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/hosted/native.h"

#define FIFO_BYTES 16u
#define OUTPUT_BYTES 16384u
#define END_OF_INPUT 0x04u /* Ctrl-D */
#define ENDS_MAX 64u       /* a driver that waits on after so many does not know what it means */

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };
#define IER_RECEIVE 1u
#define IER_TRANSMIT 2u
#define LCR_DIVISOR 0x80u
#define MCR_LOOP 0x10u
#define LSR_DATA 1u
#define LSR_IDLE 0x60u
#define MSR_READY 0xb0u /* carrier, data set ready, clear to send */
#define FCR_ENABLE 1u
#define FCR_CLEAR_RECEIVE 2u

static struct {
    uint8_t ier, lcr, mcr, scr, fcr;
    uint8_t divisor[2];
    bool transmitted; /* the transmitter ran empty and nobody was told */
    uint8_t fifo[FIFO_BYTES];
    uint32_t first, count;
} uart;

static uint8_t output[OUTPUT_BYTES];
static uint32_t output_used;
static bool at_end;
static uint32_t ends_given;

/* All output goes out, however slowly it is taken; nobody reads any more: that is the end. */
void uart_flush(void)
{
    uint32_t done = 0;

    while (done < output_used) {
        ssize_t n = write(STDOUT_FILENO, output + done, output_used - done);

        if (n > 0) {
            done += (uint32_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

            (void)poll(&out, 1, -1);
        } else if (errno != EINTR) {
            output_used = 0;
            machine_exit(128 + SIGPIPE);
        }
    }
    output_used = 0;
}

void uart_put(uint8_t byte)
{
    if (output_used == OUTPUT_BYTES) {
        uart_flush();
    }
    output[output_used++] = byte;
}

void arch_log_byte(uint8_t byte) { uart_put(byte); }

static void uart_interrupt(void)
{
    bool receive = (uart.ier & IER_RECEIVE) != 0 && uart.count > 0;
    bool transmit = (uart.ier & IER_TRANSMIT) != 0 && uart.transmitted;

    irq_level(COM1_IRQ, receive || transmit);
}

static void fifo_put(uint8_t byte)
{
    if (uart.count < FIFO_BYTES) {
        uart.fifo[(uart.first + uart.count++) % FIFO_BYTES] = byte;
    }
    uart_interrupt();
}

static uint8_t fifo_get(void)
{
    uint8_t byte = uart.fifo[uart.first];

    if (uart.count == 0) {
        return 0;
    }
    uart.first = (uart.first + 1) % FIFO_BYTES;
    uart.count--;
    if (uart.count == 0) {
        uart_poll(); /* the line is faster than any driver */
    }
    uart_interrupt();
    return byte;
}

void uart_poll(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    uint8_t bytes[FIFO_BYTES];
    ssize_t n;

    if (at_end || uart.count > 0 || !(uart.ier & IER_RECEIVE) || poll(&input, 1, 0) <= 0) {
        return;
    }
    n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        at_end = true;
        ends_given = 1;
        fifo_put(END_OF_INPUT);
    }
    for (ssize_t i = 0; i < n; i++) {
        fifo_put(bytes[i]);
    }
}

bool uart_listens(void) { return (uart.ier & IER_RECEIVE) != 0 && irq_is_open(COM1_IRQ); }

bool uart_at_end(void) { return at_end; }

bool uart_end_of_input(void)
{
    if (ends_given == ENDS_MAX) {
        return false;
    }
    ends_given++;
    fifo_put(END_OF_INPUT);
    return true;
}

static uint32_t interrupt_identify(void)
{
    uint32_t fifo = (uart.fcr & FCR_ENABLE) != 0 ? 0xc0u : 0;

    if ((uart.ier & IER_RECEIVE) != 0 && uart.count > 0) {
        return fifo | 0x04u;
    }
    if ((uart.ier & IER_TRANSMIT) != 0 && uart.transmitted) {
        uart.transmitted = false;
        uart_interrupt();
        return fifo | 0x02u;
    }
    return fifo | 0x01u;
}

uint32_t uart_in(uint16_t reg)
{
    bool divisor = (uart.lcr & LCR_DIVISOR) != 0;

    switch (reg) {
    case REG_DATA:
        return divisor ? uart.divisor[0] : fifo_get();
    case REG_IER:
        return divisor ? uart.divisor[1] : uart.ier;
    case REG_IIR_FCR:
        return interrupt_identify();
    case REG_LCR:
        return uart.lcr;
    case REG_MCR:
        return uart.mcr;
    case REG_LSR:
        uart_poll();
        return LSR_IDLE | (uart.count > 0 ? LSR_DATA : 0);
    case REG_MSR:
        return MSR_READY;
    default:
        return uart.scr;
    }
}

static void transmit(uint8_t byte)
{
    if ((uart.mcr & MCR_LOOP) != 0) {
        fifo_put(byte);
    } else {
        uart_put(byte);
    }
    uart.transmitted = true;
    uart_interrupt();
}

static void ier_set(uint8_t value)
{
    if ((value & IER_TRANSMIT) != 0 && (uart.ier & IER_TRANSMIT) == 0) {
        uart.transmitted = true;
    }
    uart.ier = value & 0x0fu;
    uart_interrupt();
}

void uart_out(uint16_t reg, uint8_t value)
{
    bool divisor = (uart.lcr & LCR_DIVISOR) != 0;

    if (divisor && reg <= REG_IER) {
        uart.divisor[reg] = value;
    } else if (reg == REG_DATA) {
        transmit(value);
    } else if (reg == REG_IER) {
        ier_set(value);
    } else if (reg == REG_IIR_FCR) {
        uart.fcr = value;
        if ((value & FCR_CLEAR_RECEIVE) != 0) {
            uart.count = 0;
            uart_interrupt();
        }
    } else if (reg == REG_LCR) {
        uart.lcr = value;
    } else if (reg == REG_MCR) {
        uart.mcr = value;
    } else if (reg == REG_SCR) {
        uart.scr = value;
    }
}
