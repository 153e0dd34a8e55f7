/* SPDX-License-Identifier: MIT */
/* The kernel's log: short lines for people, through arch_log_byte. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/arch.h"

/* Writes constant text of the kernel's, at most LOG_MAX bytes. */
/*@ requires \valid_read(text + (0 .. LOG_MAX - 1));
    assigns ghost_machine; */
void log_text(const char *text);

#endif
