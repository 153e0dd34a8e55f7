/* SPDX-License-Identifier: MIT */
/*
 * Time: the time stamp counter tells it, the local APIC's timer interrupts at one. Both are
 * measured once at boot against HPET, or the 8254 if there is none, for a few milliseconds. Time
 * begins at that measurement.
 *
 * The timer is set in hardware only when the core asks for a time before the one already set; it
 * may thus come early, and then waits on.
 */
#include "arch/x86_64/x86.h"

#define MEASURE_NS 2000000ul
#define SAMPLES 4u
#define POLLS_MAX 50000000u
#define POLLS_STUCK 100000u /* a counter that stands still so long does not run */

#define HPET_PERIOD 4 /* bits 32 to 63 of the capabilities: femtoseconds a tick */
#define HPET_CONFIG 0x10
#define HPET_COUNTER 0xf0
#define HPET_PERIOD_MAX 100000000u
#define FS_PER_NS 1000000ul

#define PIT_HZ 1193182ul
#define PIT_COUNT 2386u /* 2 ms */
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61

/* One measurement: how far each clock went. */
struct span {
    uint64_t ns, tsc;
    uint32_t timer;
};

static uint64_t tsc_start;
static uint64_t tsc_to_ns;   /* ns a TSC tick, times 2^32 */
static uint64_t ns_to_timer; /* timer ticks a ns, times 2^32 */
static uint64_t clock_last;

static uint64_t scale(uint64_t value, uint64_t factor)
{
    return (uint64_t)((unsigned __int128)value * factor >> 32);
}

/* What the three clocks show at one moment. */
struct sample {
    uint64_t tsc;
    uint32_t hpet, timer;
};

/* The best of a few: a virtual machine may lose the processor between two readings. */
X86_INIT static struct sample sample_take(volatile uint32_t *counter)
{
    struct sample best = {0};
    uint64_t best_took = UINT64_MAX;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint64_t begin = x86_tsc();
        struct sample sample = {begin, *counter, x86_apic_timer_left()};
        uint64_t took = x86_tsc() - begin;
        if (took < best_took) {
            best_took = took;
            best = sample;
        }
    }
    return best;
}

/* Waits until the counter moved on by wanted ticks. 0: it does not run. */
X86_INIT static int hpet_wait(volatile uint32_t *counter, uint32_t wanted)
{
    uint32_t begin = *counter, now = begin;
    for (uint32_t i = 0; i < POLLS_MAX && now - begin < wanted; i++) {
        now = *counter;
        if (i == POLLS_STUCK && now == begin)
            return 0;
    }
    return now - begin >= wanted;
}

/* 1: measured. 0: there is no HPET that runs. */
X86_INIT static int measure_hpet(struct span *span)
{
    volatile uint8_t *hpet = x86_acpi.hpet ? x86_device_map(x86_acpi.hpet) : NULL;
    if (!hpet)
        return 0;
    uint64_t period = *(volatile uint32_t *)(hpet + HPET_PERIOD);
    if (period == 0 || period > HPET_PERIOD_MAX)
        return 0;
    *(volatile uint32_t *)(hpet + HPET_CONFIG) |= 1;
    volatile uint32_t *counter = (volatile uint32_t *)(hpet + HPET_COUNTER);
    x86_apic_timer_start(UINT32_MAX);
    struct sample first = sample_take(counter);
    if (!hpet_wait(counter, (uint32_t)(MEASURE_NS * FS_PER_NS / period)))
        return 0;
    struct sample last = sample_take(counter);
    x86_apic_timer_start(0);
    span->ns = (last.hpet - first.hpet) * period / FS_PER_NS;
    span->tsc = last.tsc - first.tsc;
    span->timer = first.timer - last.timer;
    return 1;
}

X86_INIT static int measure_pit(struct span *span)
{
    x86_out8(PIT_GATE, (uint8_t)((x86_in8(PIT_GATE) & ~2u) | 1u)); /* gate on, speaker off */
    x86_out8(PIT_COMMAND, 0xb0);                                   /* channel 2, one count down */
    x86_out8(PIT_CHANNEL_2, PIT_COUNT & 0xff);
    x86_out8(PIT_CHANNEL_2, PIT_COUNT >> 8);
    x86_apic_timer_start(UINT32_MAX);
    span->tsc = x86_tsc();
    uint32_t i = 0;
    while (i < POLLS_MAX && !(x86_in8(PIT_GATE) & 0x20))
        i++;
    span->tsc = x86_tsc() - span->tsc;
    span->timer = UINT32_MAX - x86_apic_timer_left();
    x86_apic_timer_start(0);
    span->ns = PIT_COUNT * 1000000000ul / PIT_HZ;
    return i < POLLS_MAX;
}

X86_INIT const char *x86_time_init(void)
{
    struct span span = {0};
    if (!measure_hpet(&span) && !measure_pit(&span))
        return "neither HPET nor 8254 runs: there is nothing to measure time by";
    if (span.ns == 0 || span.tsc == 0 || span.timer == 0)
        return "the time stamp counter or the local APIC's timer does not run";
    tsc_to_ns = (span.ns << 32) / span.tsc;
    ns_to_timer = ((uint64_t)span.timer << 32) / span.ns;
    tsc_start = x86_tsc();
    return NULL;
}

uint64_t arch_clock(void)
{
    uint64_t now = scale(x86_tsc() - tsc_start, tsc_to_ns);
    if (now > clock_last)
        clock_last = now;
    return clock_last;
}

static void timer_arm(struct x86_cpu *cpu, uint64_t time)
{
    uint64_t now = arch_clock();
    uint64_t count = time > now ? time - now : 0;
    /* A time too far away for the counter: it comes early, and again. */
    count = count < UINT32_MAX ? scale(count, ns_to_timer) + 1 : scale(UINT32_MAX, ns_to_timer);
    cpu->timer_armed = time;
    x86_apic_timer_start(count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
}

void arch_timer_set(uint64_t time)
{
    struct x86_cpu *cpu = x86_this();
    cpu->timer_asked = time;
    if (time < cpu->timer_armed)
        timer_arm(cpu, time);
}

pfn_t x86_timer_arrived(struct x86_cpu *cpu)
{
    x86_apic_eoi();
    cpu->timer_armed = UINT64_MAX;
    if (cpu->timer_asked == UINT64_MAX)
        return cpu->current;
    if (arch_clock() < cpu->timer_asked) {
        timer_arm(cpu, cpu->timer_asked);
        return cpu->current;
    }
    cpu->timer_asked = UINT64_MAX;
    return kernel_timer(cpu->number);
}
