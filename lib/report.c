/* SPDX-License-Identifier: MIT */
/*
 * The report of a fault: which program and thread, what it did, where (symbol + offset), what is
 * mapped at the address it touched, and who was told. All of it is asked from the kernel through
 * the handle of the dead process, whose memory is there until its parent destroys it.
 */
#include "lib/report.h"
#include "lib/elf.h"
#include "lib/error.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *to;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->to + t->used, REPORT_BYTES - t->used, format, args);
    va_end(args);
    t->used += (size_t)n;
    if (t->used >= REPORT_BYTES)
        t->used = REPORT_BYTES - 1;
}

enum end_kind report_end(uint64_t process)
{
    struct atm_result r = atm_process_info(process);
    if (r.status < 0 || r.r[0] == PROCESS_KILLED || r.r[0] == PROCESS_ALIVE)
        return END_KILLED;
    return r.r[0] == PROCESS_FAULTED ? END_FAULT : END_EXIT;
}

int report_status(uint64_t process)
{
    enum end_kind kind = report_end(process);
    uint64_t code = atm_process_info(process).r[1];
    if (kind == END_KILLED)
        return STATUS_KILLED;
    if (kind == END_FAULT)
        return STATUS_FAULT + (int)(code < FAULT_LAST ? code : FAULT_OTHER);
    return code > STATUS_MAX ? STATUS_MAX : (int)code;
}

static void say_deed(struct text *t, uint64_t kind, uint64_t address)
{
    switch (kind) {
    case FAULT_READ:
        say(t, "read at 0x%lx", address);
        return;
    case FAULT_WRITE:
        say(t, "wrote at 0x%lx", address);
        return;
    case FAULT_EXECUTE:
        say(t, "jumped to 0x%lx", address);
        return;
    case FAULT_ILLEGAL:
        say(t, "ran an illegal or privileged instruction");
        return;
    case FAULT_DIVIDE:
        say(t, "divided by zero or out of range");
        return;
    case FAULT_BREAKPOINT:
        say(t, "hit a breakpoint");
        return;
    case FAULT_FLOAT:
        say(t, "made a floating-point error");
        return;
    case FAULT_ALIGNMENT:
        say(t, "made an unaligned access");
        return;
    default:
        say(t, "caused fault %lu", kind);
    }
}

static void say_place(struct text *t, const struct report *report, uint64_t ip)
{
    uint64_t offset = 0;
    const char *symbol =
        report->image == NULL ? NULL : elf_symbol(report->image, report->bytes, ip, &offset);
    if (symbol != NULL)
        say(t, "at %s+0x%lx (0x%lx)", symbol, offset, ip);
    else
        say(t, "at 0x%lx, in no function of the program", ip);
}

static const char *region_name(uint64_t va)
{
    uint64_t stack = STACK_TOP - (uint64_t)STACK_PAGES * PAGE_SIZE;
    if (va >= USER_TOP)
        return va >= ~(uint64_t)0 << 47 ? "a kernel address" : "not an address at all";
    if (va < USER_BASE)
        return "nothing is ever mapped there: a null pointer?";
    if (va >= STACK_TOP || va < stack - PAGE_SIZE)
        return "nothing is mapped there";
    return va < stack ? "nothing is mapped there: the stack has overflowed"
                      : "nothing is mapped there";
}

static void say_mapping(struct text *t, uint64_t process, uint64_t va)
{
    struct atm_result r = atm_query(process, va);
    if (r.status < 0) {
        say(t, "%s", region_name(va));
        return;
    }
    uint64_t flags = r.r[0];
    const char *size = (flags & PAGE_SIZE_1G) != 0   ? "1 GiB"
                       : (flags & PAGE_SIZE_2M) != 0 ? "2 MiB"
                                                     : "4 KiB";
    const char *may = (flags & PAGE_WRITE) != 0     ? "be read and written, not executed"
                      : (flags & PAGE_EXECUTE) != 0 ? "be read and executed, not written"
                                                    : "only be read";
    say(t, "a %s page is mapped there that may %s", size, may);
}

int report_fault(const struct report *report, char text[REPORT_BYTES])
{
    struct text t = {text, 0};
    struct atm_result r = atm_process_info(report->process);
    text[0] = 0;
    if (r.status < 0 || r.r[0] != PROCESS_FAULTED)
        return 0;
    uint64_t kind = r.r[1], address = r.r[2], ip = r.r[3], thread = r.r[4];
    say(&t, "fault: %s, thread %lu, ", report->name, thread);
    say_deed(&t, kind, address);
    if (kind == FAULT_EXECUTE && ip == address) {
        say(&t, "\n");
    } else {
        say(&t, "\nfault:   ");
        say_place(&t, report, ip);
        say(&t, "\n");
    }
    if (kind == FAULT_READ || kind == FAULT_WRITE || kind == FAULT_EXECUTE) {
        say(&t, "fault:   ");
        say_mapping(&t, report->process, address);
        say(&t, "\n");
    }
    say(&t, "fault:   %s was ended, and its parent %s was told\n", report->name, report->parent);
    return 1;
}
