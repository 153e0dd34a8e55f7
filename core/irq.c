/* SPDX-License-Identifier: MIT */
/* Interrupt lines; see irq.h. */
#include "core/irq.h"

struct irq irq_at[IRQS_MAX];

/* 1 if a live endpoint has claimed the line. */
/*@ requires irqs_wf && line < IRQS_MAX;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> irq_is_claimed(line); */
static bool irq_claimed(uint32_t line)
{
    endpoint_t e = irq_at[line].endpoint;
    return e != 0 && endpoint_is_live(e, irq_at[line].generation);
}

status_t irq_claim(uint32_t line, endpoint_t e, uint64_t bits)
{
    if (irq_claimed(line) && irq_at[line].endpoint != e)
        return ERR_BUSY;
    irq_at[line].endpoint = e;
    irq_at[line].generation = endpoint_at[E(e)].generation;
    irq_at[line].bits = bits;
    irq_at[line].fired = 0;
    arch_irq_unmask(line);
    return ERR_NONE;
}

status_t irq_acknowledge(uint32_t line)
{
    if (irq_at[line].fired == 0)
        return ERR_STATE;
    irq_at[line].fired = 0;
    arch_irq_unmask(line);
    return ERR_NONE;
}

void irq_deliver(uint32_t line)
{
    arch_irq_mask(line);
    if (!irq_claimed(line))
        return;
    irq_at[line].fired = 1;
    endpoint_signal(irq_at[line].endpoint, irq_at[line].bits);
}
