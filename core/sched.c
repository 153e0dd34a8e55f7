/* SPDX-License-Identifier: MIT */
/* The scheduler; see sched.h. */
#include "core/sched.h"
#include "core/deadline.h"

struct cpu cpu_at[CPUS_MAX];

/*@ requires priority < PRIORITIES;
    assigns \nothing;
    ensures \result != 0; */
static uint64_t ready_bit(uint32_t priority)
{
    return (uint64_t)1 << priority;
}

/* The priority's run queue became empty: forget its bit. */
/*@ requires cpu < CPUS_MAX && priority < PRIORITIES && is_queue(cpu_at[cpu].run + priority);
    assigns cpu_at[cpu].ready; */
static void ready_update(cpu_t cpu, uint32_t priority)
{
    if (endpoint_at[E(cpu_at[cpu].run + priority)].first == 0)
        cpu_at[cpu].ready &= ~ready_bit(priority);
}

/* 1 if a thread may run: not to stop, in a process that has not ended. */
/*@ requires is_thread(t) && is_process(frame_owner[t]);
    assigns \nothing; */
static bool thread_may_run(pfn_t t)
{
    return thread_at[T(t)].suspended == 0 && process_at[P(frame_owner[t])].dying == 0;
}

void sched_park(pfn_t t)
{
    cpu_t cpu = thread_at[T(t)].cpu;
    thread_at[T(t)].state = THREAD_SUSPENDED;
    thread_at[T(t)].suspended = 1;
    if (cpu_at[cpu].current == t) cpu_at[cpu].current = 0;
}

void sched_ready(pfn_t t)
{
    if (!thread_may_run(t)) {
        sched_park(t);
        return;
    }
    cpu_t cpu = thread_at[T(t)].cpu;
    uint32_t priority = thread_at[T(t)].priority;
    thread_at[T(t)].state = THREAD_READY;
    queue_push(cpu_at[cpu].run + priority, t);
    cpu_at[cpu].ready |= ready_bit(priority);
}

void sched_unready(pfn_t t)
{
    queue_remove(t);
    ready_update(thread_at[T(t)].cpu, thread_at[T(t)].priority);
}

/* Thread t, in no queue, is what cpu runs. */
/*@ requires cpu < CPUS_MAX && is_thread(t) && queue_of[t] == 0;
    assigns cpu_at[cpu].current, thread_at[t].state;
    ensures cpu_at[cpu].current == t && thread_at[t].state == THREAD_RUNNING; */
static void cpu_run(cpu_t cpu, pfn_t t)
{
    cpu_at[cpu].current = t;
    thread_at[T(t)].state = THREAD_RUNNING;
}

void sched_hand_over(cpu_t cpu, pfn_t t)
{
    uint64_t ready = cpu_at[cpu].ready;
    if (thread_at[T(t)].cpu == cpu && thread_may_run(t) &&
        (ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority))
        cpu_run(cpu, t);
    else
        sched_ready(t);
}

void sched_rotate(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    cpu_at[cpu].current = 0;
    thread_at[T(t)].slice = SLICE_TICKS;
    sched_ready(t);
}

/* The first ready thread of the highest priority that may run becomes current. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].current == 0;
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine; */
static void sched_pick(cpu_t cpu)
{
    uint32_t n;
    /*@ loop invariant 0 <= n <= PICK_PIECE;
        loop assigns n, thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
        loop variant PICK_PIECE - n; */
    for (n = 0; n < PICK_PIECE && cpu_at[cpu].ready != 0; n++) {
        uint32_t priority = arch_highest_bit(cpu_at[cpu].ready);
        pfn_t t = queue_pop(cpu_at[cpu].run + priority);
        ready_update(cpu, priority);
        if (thread_may_run(t)) {
            cpu_run(cpu, t);
            return;
        }
        sched_park(t);
    }
    if (cpu_at[cpu].ready != 0) arch_timer_set(0); /* come back at once for the rest */
}

void sched_timer_arm(cpu_t cpu)
{
    uint64_t time = UINT64_MAX;
    if (cpu_at[cpu].current != 0) time = cpu_at[cpu].tick_at;
    if (cpu_at[cpu].current == 0 && cpu_at[cpu].ready != 0) time = 0; /* sched_pick has more to do */
    pfn_t first = deadline_first();
    if (first != 0 && thread_at[T(first)].deadline < time) time = thread_at[T(first)].deadline;
    arch_timer_set(time);
}

pfn_t sched_next(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    uint64_t ready = cpu_at[cpu].ready;
    if (t != 0) {
        if (ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority) return t;
        cpu_at[cpu].current = 0;
        sched_ready(t);
    }
    sched_pick(cpu);
    return cpu_at[cpu].current;
}

void sched_tick(cpu_t cpu, uint64_t now)
{
    pfn_t t = cpu_at[cpu].current;
    cpu_at[cpu].tick_at = now + TICK_NS;
    if (t == 0) return;
    thread_at[T(t)].ticks++;
    if (thread_at[T(t)].slice > 1)
        thread_at[T(t)].slice--;
    else
        sched_rotate(cpu);
}
