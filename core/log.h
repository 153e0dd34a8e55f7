/* SPDX-License-Identifier: MIT */
/* The kernel's log: short lines for people, through arch_log_byte. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/arch.h"

/* Writes constant text of the kernel's, up to the 0 that ends it, at most LOG_MAX bytes. */
/*@ requires text: \forall integer i; 0 <= i < LOG_MAX && (\forall integer j; 0 <= j < i ==> text[j] != 0) ==>
        \valid_read(text + i);
    assigns ghost_machine; */
void log_text(const char *text);

#endif
