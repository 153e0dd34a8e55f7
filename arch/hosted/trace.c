/* SPDX-License-Identifier: MIT */
/*
 * --trace: a line on standard error for every system call, as strace prints them, and one for every fault:
 *
 *     [shell/1] map(process=0, address=0x400000, pages=4, flags=rw) = ok done=4
 *
 * Names and types of arguments and results come from syscalls.def. A call that waits prints its line when its thread is
 * about to run again, so lines are in the order in which calls ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/native.h"

#define SLOTS_A_CALL 6u

/* Where arguments come from and results go to. */
static const uint8_t argument_place[SLOTS_A_CALL] = {REG_RDI, REG_RSI, REG_RDX,
                                                     REG_R10, REG_R8,  REG_R9};

static const struct {
    const char *name, *arguments, *results;
} call_text[SYS_COUNT] = {
#define SYSCALL(number, name, group, nargs, args, results, errors, text)                           \
    [number] = {#name, args, results},
#include "atmos/syscalls.def"
#undef SYSCALL
};

static const char *const error_name[ERR_LAST] = {
#define ERROR(number, name, text) [number] = #name,
#include "atmos/errors.def"
#undef ERROR
};

static const char *const fault_name[FAULT_LAST] = {[FAULT_READ] = "read",
                                                   [FAULT_WRITE] = "write",
                                                   [FAULT_EXECUTE] = "execute",
                                                   [FAULT_ILLEGAL] = "illegal instruction",
                                                   [FAULT_DIVIDE] = "divide",
                                                   [FAULT_BREAKPOINT] = "breakpoint",
                                                   [FAULT_FLOAT] = "floating point",
                                                   [FAULT_ALIGNMENT] = "alignment",
                                                   [FAULT_OTHER] = "other"};

/* A call that did not end yet, by thread. */
static struct pending {
    uint64_t number;
    uint64_t argument[SLOTS_A_CALL];
    uint64_t deadline;
} * *pending_of;
static pfn_t current; /* thread in the kernel now */

void trace_init(void)
{
    if (!options.trace) {
        return;
    }
    pending_of = calloc(hosted_frames(), sizeof *pending_of);
    if (pending_of == NULL) {
        arch_panic("the host has no memory for --trace", hosted_frames(), 0);
    }
}

static void name_print(const uint64_t name[2])
{
    for (uint32_t i = 0; i < 16; i++) {
        char c = (char)(name[i / 8] >> (i % 8 * 8) & 0xff);

        if (c == 0) {
            return;
        }
        fputc(c < ' ' || c > '~' ? '?' : c, stderr);
    }
}

static void thread_print(pfn_t t)
{
    fputc('[', stderr);
    name_print(process_at[P(frame_owner[t])].name);
    fprintf(stderr, "/%" PRIu64 "] ", thread_at[T(t)].number);
}

/* The letters of the bits that are set, "-" for none. */
static void letters_print(uint64_t bits, const char *letters)
{
    if (bits == 0) {
        fputc('-', stderr);
    }
    for (uint32_t i = 0; letters[i] != 0; i++) {
        if ((bits >> i & 1) != 0) {
            fputc(letters[i], stderr);
        }
    }
}

static void flags_print(uint64_t flags)
{
    letters_print(flags & 7, "rwx");
    if ((flags & PAGE_SIZE_2M) != 0) {
        fputs("|2M", stderr);
    }
    if ((flags & PAGE_SIZE_1G) != 0) {
        fputs("|1G", stderr);
    }
    if ((flags & (PAGE_MAX_WRITE | PAGE_MAX_EXECUTE)) != 0) {
        fprintf(stderr, "|max-%s%s", (flags & PAGE_MAX_WRITE) != 0 ? "w" : "",
                (flags & PAGE_MAX_EXECUTE) != 0 ? "x" : "");
    }
    if ((flags & PAGE_DEVICE) != 0) {
        fputs("|device", stderr);
    }
    flags &= ~(uint64_t)(7 | PAGE_SIZE_2M | PAGE_SIZE_1G | PAGE_MAX_WRITE | PAGE_MAX_EXECUTE |
                         PAGE_DEVICE);
    if (flags != 0) {
        fprintf(stderr, "|%#" PRIx64, flags);
    }
}

static void tag_print(uint64_t tag, uint64_t deadline)
{
    static const char *const flag_name[] = {"nonblock", "deadline", "event", "call", "fault"};

    fprintf(stderr, "%" PRIu64, TAG_LABEL(tag));
    if (TAG_WORDS(tag) != 0) {
        fprintf(stderr, ":%uw", (unsigned)TAG_WORDS(tag));
    }
    if (TAG_ITEMS(tag) != 0) {
        fprintf(stderr, ":%ui", (unsigned)TAG_ITEMS(tag));
    }
    for (uint32_t i = 0; i < 5; i++) {
        if ((tag & (uint64_t)TAG_NONBLOCK << i) != 0) {
            fprintf(stderr, "|%s", flag_name[i]);
        }
    }
    if ((tag & TAG_DEADLINE) != 0) {
        fprintf(stderr, " until %" PRIu64 ".%06" PRIu64 "s", deadline / 1000000000u,
                deadline / 1000u % 1000000u);
    }
}

/* 8 bytes of text, quoted. */
static void text_print(uint64_t word)
{
    const uint64_t name[2] = {word, 0};

    fputc('"', stderr);
    name_print(name);
    fputc('"', stderr);
}

static bool type_is(const char *type, const char *name)
{
    size_t length = strlen(name);

    return strncmp(type, name, length) == 0 && (type[length] == 0 || type[length] == ' ');
}

static void value_print(const char *type, uint64_t value, uint64_t deadline)
{
    if (type_is(type, "flags")) {
        flags_print(value);
    } else if (type_is(type, "rights")) {
        letters_print(value, "srgGRWDC");
    } else if (type_is(type, "tag")) {
        tag_print(value, deadline);
    } else if (type_is(type, "name")) {
        text_print(value);
    } else if (type_is(type, "time")) {
        fprintf(stderr, "%" PRIu64 ".%06" PRIu64 "s", value / 1000000000u, value / 1000u % 1000000u);
    } else if (type_is(type, "own") && value == 0) {
        fputs("own", stderr);
    } else if (type_is(type, "va") || type_is(type, "bits") || type_is(type, "word") ||
               type_is(type, "port")) {
        fprintf(stderr, "%#" PRIx64, value);
    } else {
        fprintf(stderr, "%" PRIu64, value);
    }
}

/* "name:type name:type": prints each with its value. */
static void list_print(const char *list, const uint64_t *value, uint64_t deadline,
                       const char *separator)
{
    for (uint32_t i = 0; *list != 0 && i < SLOTS_A_CALL; i++) {
        size_t name = strcspn(list, ":");

        fprintf(stderr, "%s%.*s=", i == 0 ? "" : separator, (int)name, list);
        value_print(list + name + 1, value[i], deadline);
        list += strcspn(list, " ");
        list += *list == ' ';
    }
}

static void call_print(const struct pending *call)
{
    if (call->number >= SYS_COUNT || call_text[call->number].name == NULL) {
        fprintf(stderr, "call_%" PRIu64 "()", call->number);
        return;
    }
    fprintf(stderr, "%s(", call_text[call->number].name);
    list_print(call_text[call->number].arguments, call->argument, call->deadline, ", ");
    fputc(')', stderr);
}

static void results_print(pfn_t t, const struct pending *call)
{
    uint64_t status = 0 - thread_at[T(t)].reg[REG_RAX];
    uint64_t result[SLOTS_A_CALL];

    for (uint32_t i = 0; i < SLOTS_A_CALL; i++) {
        result[i] = thread_at[T(t)].reg[argument_place[i]];
    }
    if (status != 0 && status < ERR_LAST && error_name[status] != NULL) {
        fprintf(stderr, " = %s\n", error_name[status]);
        return;
    }
    fputs(status == 0 ? " = ok " : " = ? ", stderr);
    if (call->number < SYS_COUNT) {
        list_print(call_text[call->number].results, result, 0, " ");
    }
    fputc('\n', stderr);
}

void trace_enter(pfn_t t)
{
    const uint64_t *reg = thread_at[T(t)].reg;
    struct pending *call;

    if (pending_of == NULL) {
        return;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL) {
        arch_panic("the host has no memory for --trace", t, 0);
    }
    call->number = reg[REG_RAX];
    call->deadline = reg[REG_RBX];
    for (uint32_t i = 0; i < SLOTS_A_CALL; i++) {
        call->argument[i] = reg[argument_place[i]];
    }
    free(pending_of[t]);
    pending_of[t] = call;
    current = t;
}

void trace_resume(pfn_t t)
{
    if (pending_of == NULL || pending_of[t] == NULL) {
        return;
    }
    thread_print(t);
    call_print(pending_of[t]);
    results_print(t, pending_of[t]);
    free(pending_of[t]);
    pending_of[t] = NULL;
}

/* The core releases a thread while it still has its process. */
void trace_thread_gone(pfn_t t)
{
    if (pending_of == NULL || pending_of[t] == NULL) {
        return;
    }
    thread_print(t);
    call_print(pending_of[t]);
    fputs(" = never returned\n", stderr);
    free(pending_of[t]);
    pending_of[t] = NULL;
}

void trace_end(void)
{
    if (pending_of != NULL && current != 0 && pending_of[current] != NULL) {
        trace_thread_gone(current);
    }
}

void trace_fault(pfn_t t, uint32_t kind, uint64_t address)
{
    if (pending_of == NULL) {
        return;
    }
    thread_print(t);
    fprintf(stderr, "fault: %s, address %#" PRIx64 ", ip %#" PRIx64 "\n",
            kind < FAULT_LAST && fault_name[kind] != NULL ? fault_name[kind] : "?", address,
            thread_at[T(t)].reg[REG_RIP]);
}
