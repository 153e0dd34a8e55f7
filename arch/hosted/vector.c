/* SPDX-License-Identifier: MIT */
/*
 * Floating point and vector state. A stub holds that of the thread that ran in it last (vector_owner), and it stays there
 * until another thread of the same address space runs; only then it is read out into the kernel and the other's put in.
 * Copies are kept here and not in thread_at[].fpu: the host's state may be larger. A thread without a copy starts with
 * the state a new host process has.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "arch/hosted/native.h"

#define VECTOR_BYTES 16384u /* more than any x86 state there is */

static uint8_t fresh[VECTOR_BYTES] __attribute__((aligned(64)));
static uint8_t kept[VECTOR_BYTES] __attribute__((aligned(64)));
static size_t state_bytes; /* what the host uses; 0: not learnt */

static uint8_t **copy_of;       /* by thread: its copy; NULL: none */
static struct stub **holder_of; /* by thread: the stub whose vector_owner it is; NULL: none */

static bool state_get(struct stub *s, uint8_t *to)
{
    struct iovec area = {to, VECTOR_BYTES};

    if (ptrace(PTRACE_GETREGSET, s->pid, NT_X86_XSTATE, &area) != 0) {
        s->dead = true;
    } else {
        state_bytes = area.iov_len;
    }
    return !s->dead;
}

static bool state_set(struct stub *s, uint8_t *from)
{
    struct iovec area = {from, state_bytes};

    if (ptrace(PTRACE_SETREGSET, s->pid, NT_X86_XSTATE, &area) != 0) {
        s->dead = true;
    }
    return !s->dead;
}

void vector_learn(struct stub *s)
{
    if (copy_of == NULL) {
        copy_of = calloc(hosted_frames(), sizeof *copy_of);
        holder_of = calloc(hosted_frames(), sizeof(struct stub *));
        if (copy_of == NULL || holder_of == NULL) {
            arch_panic("the host has no memory for vector state", hosted_frames(), 0);
        }
    }
    if (state_bytes == 0) {
        (void)state_get(s, fresh);
    }
}

void vector_lost(struct stub *s)
{
    if (s->vector_owner != 0) {
        holder_of[s->vector_owner] = NULL;
        s->vector_owner = 0;
    }
}

void vector_save(struct stub *s)
{
    pfn_t t = s->vector_owner;

    if (t == 0) {
        return;
    }
    if (copy_of[t] == NULL) {
        copy_of[t] = calloc(1, VECTOR_BYTES);
    }
    if (copy_of[t] == NULL) {
        arch_panic("the host has no memory for vector state of a thread", t, 0);
    }
    (void)state_get(s, copy_of[t]);
    s->vector_owner = 0;
    holder_of[t] = NULL;
}

bool vector_switch(struct stub *s, pfn_t t)
{
    if (s->vector_owner == t) {
        return true;
    }
    vector_save(s);
    s->regs_known = false; /* all of them are another thread's */
    if (!s->dead && state_set(s, copy_of[t] == NULL ? fresh : copy_of[t])) {
        s->vector_owner = t;
        holder_of[t] = s;
    }
    return !s->dead;
}

bool vector_keep(struct stub *s) { return state_get(s, kept); }

bool vector_restore(struct stub *s) { return state_set(s, kept); }

static void vector_forget(pfn_t t)
{
    if (copy_of == NULL) {
        return;
    }
    free(copy_of[t]);
    copy_of[t] = NULL;
    if (holder_of[t] != NULL) {
        holder_of[t]->vector_owner = 0;
        holder_of[t] = NULL;
    }
}

void arch_thread_init(pfn_t t)
{
    vector_forget(t);
    thread_at[T(t)].fpu_used = 0;
}

void arch_thread_release(pfn_t t)
{
    vector_forget(t);
    trace_thread_gone(t);
}
