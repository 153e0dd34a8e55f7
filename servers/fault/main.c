/* SPDX-License-Identifier: MIT */
/*
 * Does one forbidden thing, named by its argument, so that one can see how it is reported. Each
 * deed is a function of its own: the report names it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_INLINE __attribute__((noinline))

/* Keeps the compiler from knowing the address. */
static volatile unsigned char *place(uint64_t va)
{
    __asm__ volatile("" : "+r"(va));
    return (volatile unsigned char *)(uintptr_t)va;
}

static NO_INLINE void fault_read(void) { (void)*place(0x123456789000); }

static NO_INLINE void fault_write(void) { *place(0x123456789000) = 1; }

static NO_INLINE void fault_null(void) { *place(0) = 1; }

static NO_INLINE void fault_text(void) { *place((uintptr_t)&fault_text) = 1; }

static NO_INLINE void fault_jump(void) { __asm__ volatile("jmp *%0" : : "r"(0x123456789000ul)); }

static NO_INLINE void fault_data(void)
{
    static unsigned char code[] = {0xc3};
    __asm__ volatile("jmp *%0" : : "r"(code));
}

static NO_INLINE void fault_divide(void)
{
    __asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\txorl %%edx, %%edx\n\tdivl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static NO_INLINE void fault_illegal(void) { __asm__ volatile("ud2"); }

static NO_INLINE void fault_breakpoint(void) { __asm__ volatile("int3"); }

static NO_INLINE void fault_privileged(void) { __asm__ volatile("hlt"); }

static NO_INLINE void fault_abort(void) { abort(); }

/* Uses all stack there is, and then some. */
static NO_INLINE void fault_stack(void) { __asm__ volatile("1: pushq $0\n\tjmp 1b"); }

static NO_INLINE void fault_float(void)
{
    uint16_t unmasked = 0x340;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfldz\n\tfld1\n\tfdivp\n\tfwait" : : "m"(unmasked));
}

static const struct {
    const char *name;
    void (*run)(void);
    const char *text;
} deeds[] = {
    {"read", fault_read, "reads where nothing is mapped"},
    {"write", fault_write, "writes where nothing is mapped"},
    {"null", fault_null, "writes through a null pointer"},
    {"text", fault_text, "writes to its own code"},
    {"jump", fault_jump, "jumps where nothing is mapped"},
    {"data", fault_data, "runs its data as code"},
    {"divide", fault_divide, "divides by zero"},
    {"illegal", fault_illegal, "runs an instruction that does not exist"},
    {"breakpoint", fault_breakpoint, "runs a breakpoint instruction"},
    {"privileged", fault_privileged, "halts the processor"},
    {"stack", fault_stack, "overflows its stack"},
    {"float", fault_float, "divides by zero with floating-point errors on"},
    {"abort", fault_abort, "calls abort()"},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (argc < 2)
            printf("fault %-10s  %s\n", deeds[i].name, deeds[i].text);
        else if (strcmp(argv[1], deeds[i].name) == 0) {
            deeds[i].run();
            printf("fault: %s went unnoticed\n", deeds[i].name);
            return 1;
        }
    }
    if (argc < 2)
        return 0;
    printf("fault: there is no kind \"%s\"; without one all are listed\n", argv[1]);
    return 2;
}
