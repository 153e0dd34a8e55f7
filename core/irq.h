/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines as events: a claimed line that fires is masked and sets bits on an endpoint; irq_ack unmasks it. A
 * claim lasts as long as its endpoint.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "core/endpoint.h"

struct irq {
    uint64_t generation; /* of the endpoint; the claim is void when that is dead */
    uint64_t bits;       /* signalled when the line fires */
    endpoint_t endpoint; /* 0: never claimed */
    uint32_t fired;      /* 1: masked until irq_acknowledge */
};
extern struct irq irq_at[IRQS_MAX];

/*@ // What claims name are endpoints, or were.
    predicate irqs_wf{L} = \forall integer i; 0 <= i < IRQS_MAX ==> irq_at[i].endpoint < FRAMES_MAX * SLOTS;
    // A live endpoint has claimed the line.
    predicate irq_is_claimed{L}(integer line) =
        irq_at[line].endpoint != 0 && frame_kind[irq_at[line].endpoint / SLOTS] == FRAME_ENDPOINTS &&
        endpoint_at[irq_at[line].endpoint].generation == irq_at[line].generation;
    // It is not e.
    predicate irq_is_busy{L}(integer line, integer e) = irq_is_claimed(line) && irq_at[line].endpoint != e;
    // e has claimed the line, which has not fired since.
    predicate irq_is_open{L}(integer line, integer e, integer bits) =
        irq_at[line].endpoint == e && irq_at[line].generation == endpoint_at[e].generation &&
        irq_at[line].bits == bits && irq_at[line].fired == 0;
*/

/* Delivers line to an endpoint. BUSY: another live endpoint has it. */
/*@ requires irqs_wf && line < IRQS_MAX && is_endpoint(e);
    assigns irq_at[line], ghost_machine;
    ensures irqs_wf: irqs_wf;
    behavior busy:
        assumes irq_is_busy(line, e);
        assigns \nothing;
        ensures \result == ERR_BUSY;
        ensures same: irq_at[line] == \old(irq_at[line]);
    behavior done:
        assumes !irq_is_busy(line, e);
        ensures \result == ERR_NONE;
        ensures open: irq_is_open(line, e, bits);
    complete behaviors;
    disjoint behaviors; */
MUST_USE status_t irq_claim(uint32_t line, endpoint_t e, uint64_t bits);

/* Lets a line that fired fire again. STATE: it has not fired. */
/*@ requires line < IRQS_MAX;
    assigns irq_at[line].fired, ghost_machine;
    ensures status: \result == (\old(irq_at[line].fired) == 0 ? ERR_STATE : ERR_NONE);
    ensures fired: irq_at[line].fired == 0; */
MUST_USE status_t irq_acknowledge(uint32_t line);

/* The line fired: it is masked, and if it is claimed, its bits are delivered. */
/*@ requires line: irqs_wf && line < IRQS_MAX;
    KERNEL_NEED(0)
    assigns irq_at[line].fired, ghost_machine, deadline_count, deadline_heap[0 .. FRAMES_MAX - 1],
            thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], queue_key[0 .. FRAMES_MAX - 1], queue_clock,
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures irqs_wf: irqs_wf;
    behavior nobody:
        assumes !irq_is_claimed(line);
        assigns ghost_machine;
    behavior pending:
        assumes irq_is_claimed(line) && endpoint_at[irq_at[line].endpoint].mode != MODE_RECEIVE;
        ensures fired: irq_at[line].fired == 1;
        ensures bits: endpoint_at[irq_at[line].endpoint].events ==
            (\old(endpoint_at[irq_at[line].endpoint].events) | irq_at[line].bits);
        ensures threads: threads_same{Pre,Post};
    behavior received:
        assumes irq_is_claimed(line) && endpoint_at[irq_at[line].endpoint].mode == MODE_RECEIVE;
        ensures fired: irq_at[line].fired == 1;
        ensures bits: endpoint_at[irq_at[line].endpoint].events ==
            (\old(endpoint_at[irq_at[line].endpoint].events) | irq_at[line].bits) ||
            \exists integer t; has_event(t, irq_at[line].bits) && \old(queue_of[t]) == irq_at[line].endpoint;
    complete behaviors;
    disjoint behaviors; */
void irq_deliver(uint32_t line);

#endif
