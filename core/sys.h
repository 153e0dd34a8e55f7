/* SPDX-License-Identifier: MIT */
/*
 * System calls. Each sys_NAME(t) handles the call NAME of include/atmos/syscalls.def for the running thread t: it reads
 * its arguments from t's registers, checks everything, then commits, and answers ERR_NONE, an error, or STATUS_BLOCKED.
 * Results are written into t's argument registers only when the answer is ERR_NONE. Any register values are legal.
 */
#ifndef CORE_SYS_H
#define CORE_SYS_H

#include "core/container.h"
#include "core/ipc.h"
#include "core/memory.h"
#include "core/process.h"

#define ARG0 REG_RDI
#define ARG1 REG_RSI
#define ARG2 REG_RDX
#define ARG3 REG_R10
#define ARG4 REG_R8
#define ARG5 REG_R9

/*@ requires is_thread(t) && r < REG_COUNT;
    assigns \nothing;
    ensures \result == thread_at[t].reg[r]; */
static inline uint64_t reg_get(pfn_t t, uint32_t r)
{
    return thread_at[T(t)].reg[r];
}

/*@ requires is_thread(t) && r < REG_COUNT;
    assigns thread_at[t].reg[r];
    ensures thread_at[t].reg[r] == value; */
static inline void reg_set(pfn_t t, uint32_t r, uint64_t value)
{
    thread_at[T(t)].reg[r] = value;
}

/* What is wrong with a handle slot for a use: HANDLE, DEAD, KIND, RIGHTS, in this order. */
/*@ requires kernel_wf && (slot == 0 || is_slot(slot) && handle_at[slot].kind != KIND_NONE);
    assigns \nothing;
    ensures \result == ERR_NONE ==> slot != 0 && handle_at[slot].kind == kind; */
MUST_USE status_t slot_check(slot_t slot, uint8_t kind, uint8_t rights);

/* An object a handle names, or why not. */
struct found {
    status_t status;
    uint32_t object; /* frame or endpoint; meaningful if status is ERR_NONE */
};

/* The object of kind that t's handle number names, with at least those rights. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing; */
struct found find(pfn_t t, uint64_t number, uint8_t kind, uint8_t rights);

/* The process that number names: 0 is t's own. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures \result.status == ERR_NONE ==> is_process(\result.object); */
struct found find_process(pfn_t t, uint64_t number, uint8_t rights);

/* The same, for a call that adds something: DYING if the process has ended. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures \result.status == ERR_NONE ==> is_process(\result.object); */
struct found find_process_alive(pfn_t t, uint64_t number, uint8_t rights);

/* Whether process p can be given one more handle while container c is charged n pages: FULL, QUOTA. */
/*@ requires kernel_wf && is_process(p) && is_container(c);
    assigns \nothing; */
MUST_USE status_t room_check(pfn_t p, pfn_t c, uint64_t n);

/* A handle with all rights to an object born with this generation. */
/*@ assigns \nothing;
    ensures \result.kind == kind && \result.object == object; */
struct handle handle_to(uint8_t kind, uint32_t object, uint64_t generation);

#define SYSCALL(number, name, group, nargs, args, results, errors, text) \
    /*@ requires kernel_wf && runs(t); ensures kernel_wf; */             \
    MUST_USE status_t sys_##name(pfn_t t);
#include "atmos/syscalls.def"
#undef SYSCALL

#endif
