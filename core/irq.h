/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines as events: a claimed line that fires is masked and sets bits on an endpoint; irq_ack unmasks it. A
 * claim lasts as long as its endpoint.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "core/kernel.h"

struct irq {
    uint64_t generation; /* of the endpoint; the claim is void when that is dead */
    uint64_t bits;       /* signalled when the line fires */
    endpoint_t endpoint; /* 0: never claimed */
    uint32_t fired;      /* 1: masked until irq_acknowledge */
};
extern struct irq irq_at[IRQS_MAX];

/* Delivers line to an endpoint. BUSY: another live endpoint has it. */
/*@ requires kernel_wf && line < IRQS_MAX && is_queue(e);
    assigns irq_at[line], ghost_machine;
    ensures kernel_wf; */
MUST_USE status_t irq_claim(uint32_t line, endpoint_t e, uint64_t bits);

/* Lets a line that fired fire again. STATE: it has not fired. */
/*@ requires kernel_wf && line < IRQS_MAX;
    assigns irq_at[line].fired, ghost_machine;
    ensures kernel_wf; */
MUST_USE status_t irq_acknowledge(uint32_t line);

/* The line fired. */
/*@ requires kernel_wf && line < IRQS_MAX;
    ensures kernel_wf; */
void irq_deliver(uint32_t line);

#endif
