/* SPDX-License-Identifier: MIT */
/* The entries of system calls but those of ipc.c. Compiled with the core (x86_64.mk), for the one CPU there is. */
#include "arch/x86_64/x86.h"
#include "core/dispatch.h"

/* The thread is looked up twice: no register need be preserved for it meanwhile. */
int64_t x86_syscall(uint64_t number)
{
    status_t status = syscall_handle(x86_this()->current, number);
    pfn_t t = *(volatile pfn_t *)&x86_this()->current;
    if (syscall_stays(x86_number(), t))
        return -(int64_t)status;
    return X86_SWITCH + syscall_leave(x86_number(), t, status);
}

int64_t x86_signal(uint64_t handle, uint64_t bits)
{
    pfn_t t = x86_this()->current;
    thread_at[T(t)].syscalls++;
    status_t status = signal_to(t, handle, bits);
    if (syscall_stays(x86_number(), t))
        return -(int64_t)status;
    return X86_SWITCH + syscall_leave(x86_number(), t, status);
}
