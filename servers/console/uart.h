/* SPDX-License-Identifier: MIT */
/*
 * A 16550 serial port, driven through port handles.
 */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include <stddef.h>
#include <stdint.h>

/* Sets the port up, 115200 baud 8N1, without losing input that is there; its interrupt signals bits
   on endpoint. 0 or -error. */
int64_t uart_start(uint64_t endpoint, uint64_t bits);

/* Sends all bytes as they are. */
void uart_write(const char *text, size_t bytes);

/* Takes bytes that have arrived: how many. */
size_t uart_read(char *to, size_t bytes);

/* After an interrupt, when all input was read: lets the next one come. */
void uart_acknowledge(void);

#endif
