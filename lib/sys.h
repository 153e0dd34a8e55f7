/* SPDX-License-Identifier: MIT */
/*
 * System-call stubs: atm_NAME(arguments...) for every line of syscalls.def, made by the
 * preprocessor, and forms of the IPC calls that take a deadline. Each returns the status (0 or
 * -error) and the six result registers; after an error the result registers hold the arguments.
 */
#ifndef LIB_SYS_H
#define LIB_SYS_H

#include "atmos/abi.h"

struct atm_result {
    int64_t status; /* 0, or minus an enum atm_error */
    uint64_t r[6];
};

/*
 * One entry into the kernel with the inputs given, which name registers; the others hold what they
 * held, and the kernel does not look at them. Needs r10, r8 and r9 as variables in their registers.
 */
#define ATM_ENTER(...)                                                                             \
    int64_t status;                                                                                \
    uint64_t r0, r1, r2;                                                                           \
    __asm__ volatile("syscall"                                                                     \
                     : "=a"(status), "=D"(r0), "=S"(r1), "=d"(r2), "=r"(r10), "=r"(r8), "=r"(r9)   \
                     : __VA_ARGS__                                                                 \
                     : "rcx", "r11", "memory");                                                    \
    return (struct atm_result)                                                                     \
    {                                                                                              \
        status, { r0, r1, r2, r10, r8, r9 }                                                        \
    }
#define ATM_REGISTER(name) register uint64_t name __asm__(#name)
#define ATM_NUMBER(name) "a"((uint64_t)SYS_##name)

#define ATM_STUB_0(name)                                                                           \
    static inline struct atm_result atm_##name(void)                                               \
    {                                                                                              \
        ATM_REGISTER(r10);                                                                         \
        ATM_REGISTER(r8);                                                                          \
        ATM_REGISTER(r9);                                                                          \
        ATM_ENTER(ATM_NUMBER(name));                                                               \
    }
#define ATM_STUB_1(name)                                                                           \
    static inline struct atm_result atm_##name(uint64_t a0)                                        \
    {                                                                                              \
        ATM_REGISTER(r10);                                                                         \
        ATM_REGISTER(r8);                                                                          \
        ATM_REGISTER(r9);                                                                          \
        ATM_ENTER(ATM_NUMBER(name), "D"(a0));                                                      \
    }
#define ATM_STUB_2(name)                                                                           \
    static inline struct atm_result atm_##name(uint64_t a0, uint64_t a1)                           \
    {                                                                                              \
        ATM_REGISTER(r10);                                                                         \
        ATM_REGISTER(r8);                                                                          \
        ATM_REGISTER(r9);                                                                          \
        ATM_ENTER(ATM_NUMBER(name), "D"(a0), "S"(a1));                                             \
    }
#define ATM_STUB_3(name)                                                                           \
    static inline struct atm_result atm_##name(uint64_t a0, uint64_t a1, uint64_t a2)              \
    {                                                                                              \
        ATM_REGISTER(r10);                                                                         \
        ATM_REGISTER(r8);                                                                          \
        ATM_REGISTER(r9);                                                                          \
        ATM_ENTER(ATM_NUMBER(name), "D"(a0), "S"(a1), "d"(a2));                                    \
    }
#define ATM_STUB_4(name)                                                                           \
    static inline struct atm_result atm_##name(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3) \
    {                                                                                              \
        ATM_REGISTER(r10) = a3;                                                                    \
        ATM_REGISTER(r8);                                                                          \
        ATM_REGISTER(r9);                                                                          \
        ATM_ENTER(ATM_NUMBER(name), "D"(a0), "S"(a1), "d"(a2), "r"(r10));                          \
    }
#define ATM_STUB_5(name)                                                                           \
    static inline struct atm_result atm_##name(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, \
                                               uint64_t a4)                                        \
    {                                                                                              \
        ATM_REGISTER(r10) = a3;                                                                    \
        ATM_REGISTER(r8) = a4;                                                                     \
        ATM_REGISTER(r9);                                                                          \
        ATM_ENTER(ATM_NUMBER(name), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8));                 \
    }
#define ATM_STUB_6(name)                                                                           \
    static inline struct atm_result atm_##name(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, \
                                               uint64_t a4, uint64_t a5)                           \
    {                                                                                              \
        ATM_REGISTER(r10) = a3;                                                                    \
        ATM_REGISTER(r8) = a4;                                                                     \
        ATM_REGISTER(r9) = a5;                                                                     \
        ATM_ENTER(ATM_NUMBER(name), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9));        \
    }
#define SYSCALL(number, name, group, nargs, args, results, errors, text) ATM_STUB_##nargs(name)
#include "atmos/syscalls.def"
#undef SYSCALL

/* A call without words: the other side finds nothing of meaning in its word registers, as the
   registers for them are left as they are. */
static inline struct atm_result atm_call_bare(uint64_t endpoint, uint64_t tag)
{
    ATM_REGISTER(r10);
    ATM_REGISTER(r8);
    ATM_REGISTER(r9);
    ATM_ENTER(ATM_NUMBER(call), "D"(endpoint), "S"(tag));
}

/* One entry with all registers: a[0..5] are the argument registers; deadline goes to rbx. */
static inline struct atm_result atm_enter(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2,
                                          uint64_t a3, uint64_t a4, uint64_t a5, uint64_t deadline)
{
    register uint64_t r10 __asm__("r10") = a3;
    register uint64_t r8 __asm__("r8") = a4;
    register uint64_t r9 __asm__("r9") = a5;
    int64_t status;
    __asm__ volatile("syscall"
                     : "=a"(status), "+D"(a0), "+S"(a1), "+d"(a2), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "a"(number), "b"(deadline)
                     : "rcx", "r11", "memory");
    return (struct atm_result){status, {a0, a1, a2, r10, r8, r9}};
}

/* The IPC calls with a deadline (ns since boot); the tag gets TAG_DEADLINE. */
static inline struct atm_result atm_send_until(uint64_t endpoint, uint64_t tag, const uint64_t w[4],
                                               uint64_t deadline)
{
    return atm_enter(SYS_send, endpoint, tag | TAG_DEADLINE, w[0], w[1], w[2], w[3], deadline);
}

static inline struct atm_result atm_receive_until(uint64_t endpoint, uint64_t deadline)
{
    return atm_enter(SYS_receive, endpoint, TAG_DEADLINE, 0, 0, 0, 0, deadline);
}

static inline struct atm_result atm_call_until(uint64_t endpoint, uint64_t tag, const uint64_t w[4],
                                               uint64_t deadline)
{
    return atm_enter(SYS_call, endpoint, tag | TAG_DEADLINE, w[0], w[1], w[2], w[3], deadline);
}

/* The main thread's message page: the same address in every process, see lib/startup.h. */
static inline struct atm_message *atm_message(void)
{
    return (struct atm_message *)(uintptr_t)INIT_MESSAGE_VA;
}

#endif
