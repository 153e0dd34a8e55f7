/* SPDX-License-Identifier: MIT */
/* System calls on threads, and time. */
#include "core/endpoint.h"
#include "core/sched.h"
#include "core/sys.h"
#include "core/thread.h"

status_t sys_yield(pfn_t t)
{
    reg_set(t, REG_RAX, 0); /* when it runs again, if it stops */
    sched_rotate(thread_at[T(t)].cpu);
    return ERR_NONE;
}

status_t sys_thread_exit(pfn_t t)
{
    pfn_t p = frame_owner[t];
    thread_destroy(t);
    if (process_at[P(p)].threads == 0)
        process_end(p, PROCESS_EXITED, 0);
    return STATUS_BLOCKED;
}

status_t sys_process_exit(pfn_t t)
{
    process_end(frame_owner[t], PROCESS_EXITED, reg_get(t, ARG0));
    return STATUS_BLOCKED;
}

/* n stops as soon as it would be ready, or goes on then. */
/*@ requires is_thread(n) && suspended <= 1;
    assigns thread_at[n].suspended;
    ensures set: thread_at[n].suspended == suspended;
    KERNEL_KEPT(0) */
static inline void suspended_set(pfn_t n, uint8_t suspended)
{
    thread_at[T(n)].suspended = suspended;
}

/* n, which is to stop and whose state that is, does at once if it waits for nothing. */
/*@ requires thread: is_thread(n) && state == thread_at[n].state && thread_at[n].suspended == 1;
    KERNEL_NEED(0)
    assigns thread_at[n].suspended, thread_at[n].state, queue_of[n], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[run_queue(n)].first, endpoint_at[run_queue(n)].last,
            cpu_at[thread_at[n].cpu].current, cpu_at[thread_at[n].cpu].ready;
    KERNEL_WF(0)
    behavior stops:
        assumes is_seated(n);
        ensures parked: is_parked(n);
        ensures runs: runs_but{Pre,Post}(thread_at[n].cpu, n);
    behavior later:
        assumes !is_seated(n);
        assigns \nothing; */
static inline void thread_halt(pfn_t n, uint8_t state)
{
    //@ assert place: thread_place_ok(n);
    if (state == THREAD_READY)
        sched_unready(n);
    if (state == THREAD_READY || state == THREAD_RUNNING)
        sched_park(n);
}

status_t sys_suspend(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_WRITE);
    if (n.status != ERR_NONE)
        return n.status;
    uint8_t state = thread_at[T(n.object)].state;
    suspended_set(n.object, 1);
    if (n.object == t)
        reg_set(t, REG_RAX, 0);
    thread_halt(n.object, state);
    return n.object == t ? STATUS_BLOCKED : ERR_NONE;
}

status_t sys_resume(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_WRITE);
    if (n.status != ERR_NONE)
        return n.status;
    if (thread_at[T(n.object)].suspended == 0)
        return ERR_STATE;
    if (process_at[P(frame_owner[n.object])].dying != 0)
        return ERR_STATE;
    //@ assert place: thread_place_ok(n.object);
    suspended_set(n.object, 0);
    if (thread_at[T(n.object)].state == THREAD_SUSPENDED)
        sched_ready(n.object);
    return ERR_NONE;
}

/* The frame of t's memory that holds a struct atm_regs at va, whole. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing; */
static struct found regs_frame(pfn_t t, uint64_t va, uint32_t need)
{
    struct found f = {ERR_NONE, 0};
    pfn_t root = process_at[P(frame_owner[t])].root;
    if (va % 8 != 0)
        f.status = ERR_ALIGN;
    else if (!user_range(va - va % PAGE_SIZE, 1) || va % PAGE_SIZE > PAGE_SIZE - REG_COUNT * 8u)
        f.status = ERR_RANGE;
    else if (user_frame(root, va, 0) == 0)
        f.status = ERR_UNMAPPED;
    else if (user_frame(root, va, need) == 0)
        f.status = ERR_PERM;
    else
        f.object = user_frame(root, va, need);
    return f;
}

status_t sys_regs_read(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_READ);
    if (n.status != ERR_NONE)
        return n.status;
    uint64_t va = reg_get(t, ARG1);
    struct found page = regs_frame(t, va, PAGE_WRITE);
    if (page.status != ERR_NONE)
        return page.status;
    if (thread_at[T(n.object)].state == THREAD_RUNNING)
        return ERR_STATE;
    uint32_t first = (uint32_t)(va % PAGE_SIZE / 8);
    uint32_t i;
    /*@ loop invariant 0 <= i <= REG_COUNT;
        loop variant REG_COUNT - i; */
    for (i = 0; i < REG_COUNT; i++)
        page_at[U(page.object)].word[first + i] = thread_at[T(n.object)].reg[i];
    return ERR_NONE;
}

status_t sys_regs_write(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_WRITE);
    if (n.status != ERR_NONE)
        return n.status;
    uint64_t va = reg_get(t, ARG1);
    struct found page = regs_frame(t, va, 0);
    if (page.status != ERR_NONE)
        return page.status;
    uint8_t state = thread_at[T(n.object)].state;
    if (state != THREAD_SUSPENDED && state != THREAD_FAULTED)
        return ERR_STATE;
    uint32_t first = (uint32_t)(va % PAGE_SIZE / 8);
    uint32_t i;
    /*@ loop invariant 0 <= i <= REG_COUNT;
        loop variant REG_COUNT - i; */
    for (i = 0; i < REG_COUNT; i++)
        thread_at[T(n.object)].reg[i] = page_at[U(page.object)].word[first + i];
    arch_regs_sanitize(n.object);
    return ERR_NONE;
}

status_t sys_priority(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_WRITE);
    if (n.status != ERR_NONE)
        return n.status;
    pfn_t c = frame_owner[frame_owner[n.object]];
    //@ assert container: is_process(frame_owner[n.object]) && is_container(c);
    uint64_t priority = reg_get(t, ARG1);
    if (priority > container_at[C(c)].ceiling)
        return ERR_PRIORITY;
    thread_place(n.object, (uint8_t)priority, thread_at[T(n.object)].cpu);
    return ERR_NONE;
}

status_t sys_affinity(pfn_t t)
{
    struct found n = find(t, reg_get(t, ARG0), KIND_THREAD, RIGHT_WRITE);
    if (n.status != ERR_NONE)
        return n.status;
    pfn_t c = frame_owner[frame_owner[n.object]];
    //@ assert container: is_process(frame_owner[n.object]) && is_container(c);
    uint64_t cpu = reg_get(t, ARG1);
    if (cpu >= CPUS_MAX || (container_at[C(c)].cpus >> cpu) % 2 == 0 || cpu_at[cpu].run == 0)
        return ERR_CPU;
    reg_set(t, REG_RAX, 0); /* it may be t that moves */
    thread_place(n.object, thread_at[T(n.object)].priority, (uint8_t)cpu);
    return ERR_NONE;
}

status_t sys_fs_base(pfn_t t)
{
    if (reg_get(t, ARG0) >= USER_TOP)
        return ERR_RANGE;
    reg_set(t, REG_FS_BASE, reg_get(t, ARG0));
    arch_fs_base_changed(t);
    return ERR_NONE;
}

status_t sys_clock(pfn_t t)
{
    reg_set(t, ARG0, arch_clock());
    return ERR_NONE;
}
