/* SPDX-License-Identifier: MIT */
/*
 * The end: a kernel bug (panic) or a machine the kernel cannot start on (fail). Both write to the
 * serial port, tell QEMU's isa-debug-exit device a status, and halt. Nothing here uses GS or any
 * kernel object that may be damaged.
 *
 * The backtrace needs no frame pointers: a word on the stack is a return address if the instruction
 * before it is a call, and it belongs to the chain if that call's target is the function found one
 * step below. Others are shown with "?".
 */
#include "arch/x86_64/x86.h"

#define STATUS_FAIL 125u
#define STATUS_PANIC 126u
#define CALL_BYTES 5u
#define CALL_OPCODE 0xe8u
#define BACKTRACE_MAX 24u
#define STACK_SCAN_MAX X86_STACK_BYTES

/* Functions by address, from symbols.awk; in the first of two links there are none. */
struct symbol {
    uint32_t address; /* lower half */
    uint32_t name;    /* offset into x86_symbol_names */
};
extern const struct symbol x86_symbols[];
extern const uint32_t x86_symbol_count;
extern const char x86_symbol_names[];
extern const uint8_t image_text_end[], image_data[], image_end[];
extern const uint8_t x86_stacks[];
extern const uint32_t x86_stacks_count;

static const char *const exception_names[32] = {
    "division by zero",    "debug trap",         "NMI",
    "breakpoint",          "overflow",           "bound exceeded",
    "invalid opcode",      "no vector unit",     "double fault",
    "coprocessor overrun", "invalid TSS",        "segment not present",
    "stack fault",         "general protection", "page fault",
    "reserved exception",  "x87 error",          "alignment check",
    "machine check",       "SIMD error",
};

static _Noreturn void machine_end(uint32_t status)
{
    x86_out32(EXIT_PORT, status);
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

_Noreturn void x86_fail(const char *what)
{
    x86_print("atmos: cannot start: ");
    x86_print(what);
    x86_print("\n");
    machine_end(STATUS_FAIL);
}

static __attribute__((noinline)) int in_text(uint64_t address)
{
    return address >= (uint64_t)x86_text && address < (uint64_t)image_text_end;
}

/* The function that holds a text address: its index + 1; 0: unknown. */
static uint32_t symbol_find(uint64_t address)
{
    uint32_t low = 0, high = x86_symbol_count;
    while (in_text(address) && low < high) {
        uint32_t middle = (low + high) / 2;
        if (x86_symbols[middle].address <= (uint32_t)address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void print_place(uint64_t address, const char *doubt)
{
    uint32_t symbol = symbol_find(address);
    x86_print("  ");
    x86_print_hex(address);
    x86_print(doubt);
    if (symbol) {
        x86_print(x86_symbol_names + x86_symbols[symbol - 1].name);
        x86_print("+");
        x86_print_number((uint32_t)address - x86_symbols[symbol - 1].address);
    } else {
        x86_print("not in the kernel's text");
    }
    x86_print("\n");
}

/* Where the direct call before a return address goes; 0: there is none. */
static uint64_t call_target(uint64_t address)
{
    if (!in_text(address) || !in_text(address - CALL_BYTES))
        return 0;
    const uint8_t *call = (const uint8_t *)(address - CALL_BYTES);
    if (call[0] != CALL_OPCODE)
        return 0;
    int32_t distance;
    __builtin_memcpy(&distance, call + 1, sizeof distance);
    uint64_t target = address + (uint64_t)(int64_t)distance;
    return in_text(target) ? target : 0;
}

/* 1 if there is memory at a stack address: in the image's data, and not a guard page. */
static int stack_readable(uint64_t at)
{
    if (at < (uint64_t)image_data || at + 8 > (uint64_t)image_end)
        return 0;
    uint64_t within = at - (uint64_t)x86_stacks;
    return within >= x86_stacks_count * X86_STACK_STRIDE || within % X86_STACK_STRIDE >= PAGE_SIZE;
}

static void backtrace(uint64_t rip, uint64_t rsp)
{
    x86_print("backtrace:\n");
    print_place(rip, " ");
    uint32_t function = symbol_find(rip), doubtful = 0, shown = 1;
    for (uint64_t at = (rsp + 7) & ~7ul; at < rsp + STACK_SCAN_MAX && shown < BACKTRACE_MAX;
         at += 8) {
        if (!stack_readable(at))
            break;
        uint64_t address = *(const uint64_t *)at;
        uint32_t target = symbol_find(call_target(address));
        if (target == 0)
            continue;
        int sure = target == function || target == doubtful;
        print_place(address, sure ? " " : " ? ");
        shown++;
        doubtful = symbol_find(address);
        if (sure)
            function = doubtful;
    }
}

static void print_registers(const struct x86_frame *f)
{
    /* Each name with its place in the frame; from CONTROL on, a control register. */
    enum { CONTROL = sizeof *f / 8 };
    static const struct {
        char name[5];
        uint8_t place;
    } list[] = {
#define PLACE(name) offsetof(struct x86_frame, name) / 8
        {"rax ", PLACE(rax)},    {"rbx ", PLACE(rbx)},   {"rcx ", PLACE(rcx)},
        {"rdx ", PLACE(rdx)},    {"rsi ", PLACE(rsi)},   {"rdi ", PLACE(rdi)},
        {"rbp ", PLACE(rbp)},    {"rsp ", PLACE(rsp)},   {"r8  ", PLACE(r8)},
        {"r9  ", PLACE(r9)},     {"r10 ", PLACE(r10)},   {"r11 ", PLACE(r11)},
        {"r12 ", PLACE(r12)},    {"r13 ", PLACE(r13)},   {"r14 ", PLACE(r14)},
        {"r15 ", PLACE(r15)},    {"rip ", PLACE(rip)},   {"cs  ", PLACE(cs)},
        {"flag", PLACE(rflags)}, {"err ", PLACE(error)}, {"cr0 ", CONTROL},
        {"cr2 ", CONTROL + 1},   {"cr3 ", CONTROL + 2},  {"cr4 ", CONTROL + 3},
#undef PLACE
    };
    const uint64_t control[] = {x86_cr0(), x86_cr2(), x86_cr3(), x86_cr4()};
    for (uint32_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        uint32_t place = list[i].place;
        x86_print("  ");
        x86_print(list[i].name);
        x86_print(" ");
        x86_print_hex(place < CONTROL ? ((const uint64_t *)f)[place] : control[place - CONTROL]);
        if (i % 4 == 3)
            x86_print("\n");
    }
}

_Noreturn void x86_panic_frame(const struct x86_frame *frame, const char *what, uint64_t a,
                               uint64_t b)
{
    static uint32_t panics;
    if (panics++ > 0) {
        x86_print("\nkernel panic within the panic\n");
        machine_end(STATUS_PANIC);
    }
    x86_print("\nkernel panic: ");
    if (what) {
        x86_print(what);
        x86_print(": ");
        x86_print_hex(a);
        x86_print(", ");
        x86_print_hex(b);
    } else if (frame->vector < 32 && exception_names[frame->vector]) {
        x86_print(exception_names[frame->vector]);
    } else {
        x86_print("unexpected vector ");
        x86_print_number(frame->vector);
    }
    x86_print(frame->cs & 3 ? " in user mode\n" : " in the kernel\n");
    x86_print("  running thread ");
    x86_print_number(x86_cpu0.current);
    x86_print("\n");
    print_registers(frame);
    if (!(frame->cs & 3))
        backtrace(frame->rip, frame->rsp);
    machine_end(STATUS_PANIC);
}
