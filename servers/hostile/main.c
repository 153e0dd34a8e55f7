/* SPDX-License-Identifier: MIT */
/*
 * Tries to break out: each deed, named by the argument, must end in a fault of this program alone
 * (or, for rawsyscall, in error codes). If one goes unnoticed the program says so and ends with
 * status 1, which tests take for a hole.
 */
#include "lib/sys.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_INLINE __attribute__((noinline))
#define KERNEL_VA 0xffffffff80100000ul
#define KERNEL_WINDOW_VA 0xffff800000100000ul
#define NON_CANONICAL 0x0000900000000000ul
#define OTHER_HEAP_VA 0x100000001000ul /* the shell's heap lies there, in the shell */

static uint64_t hidden(uint64_t va)
{
    __asm__ volatile("" : "+r"(va));
    return va;
}

static void load(uint64_t va)
{
    __asm__ volatile("movb (%0), %%al" : : "r"(hidden(va)) : "rax", "memory");
}

static void store(uint64_t va) { __asm__ volatile("movb $1, (%0)" : : "r"(hidden(va)) : "memory"); }

static void jump(uint64_t va) { __asm__ volatile("jmp *%0" : : "r"(hidden(va))); }

static NO_INLINE void read_kernel(void) { load(KERNEL_VA); }
static NO_INLINE void read_window(void) { load(KERNEL_WINDOW_VA); }
static NO_INLINE void write_kernel(void) { store(KERNEL_VA); }
static NO_INLINE void write_window(void) { store(KERNEL_WINDOW_VA); }
static NO_INLINE void read_other(void) { load(OTHER_HEAP_VA); }
static NO_INLINE void write_other(void) { store(OTHER_HEAP_VA); }
static NO_INLINE void read_low(void) { load(0x1000); }
static NO_INLINE void read_top(void) { load(USER_TOP); }
static NO_INLINE void jump_kernel(void) { jump(KERNEL_VA); }
static NO_INLINE void jump_top(void) { jump(USER_TOP); }
static NO_INLINE void read_noncanonical(void) { load(NON_CANONICAL); }
static NO_INLINE void jump_noncanonical(void) { jump(NON_CANONICAL); }
static NO_INLINE void write_text(void) { store((uintptr_t)&write_text); }
static NO_INLINE void write_rodata(void)
{
    static const char text[] = "constant";
    store((uintptr_t)text);
}
static NO_INLINE void run_data(void)
{
    static unsigned char code[16] = {0xc3};
    jump((uintptr_t)code);
}
static NO_INLINE void run_stack(void)
{
    volatile unsigned char code[16] = {0xc3};
    jump((uintptr_t)code);
}

static NO_INLINE void priv_hlt(void) { __asm__ volatile("hlt"); }
static NO_INLINE void priv_cli(void) { __asm__ volatile("cli"); }
static NO_INLINE void priv_sti(void) { __asm__ volatile("sti"); }
static NO_INLINE void priv_cr3(void) { __asm__ volatile("movq %0, %%cr3" : : "r"(0ul)); }
static NO_INLINE void priv_cr0(void) { __asm__ volatile("movq %%cr0, %%rax" : : : "rax"); }
static NO_INLINE void priv_wrmsr(void)
{
    __asm__ volatile("wrmsr" : : "c"(0xc0000082), "a"(0), "d"(0));
}
static NO_INLINE void priv_rdmsr(void)
{
    __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx");
}
static NO_INLINE void priv_in(void) { __asm__ volatile("inb $0x64, %%al" : : : "rax"); }
static NO_INLINE void priv_out(void) { __asm__ volatile("outb %%al, $0xf4" : : "a"(0)); }
static NO_INLINE void priv_lgdt(void)
{
    static const char table[10];
    __asm__ volatile("lgdt %0" : : "m"(table));
}
static NO_INLINE void priv_ltr(void) { __asm__ volatile("ltr %w0" : : "r"(0x28)); }
static NO_INLINE void priv_invlpg(void) { __asm__ volatile("invlpg (%0)" : : "r"(0x400000ul)); }
static NO_INLINE void priv_swapgs(void) { __asm__ volatile("swapgs"); }
static NO_INLINE void priv_sysret(void)
{
    __asm__ volatile("sysretq" : : "c"(KERNEL_VA), "a"(0) : "r11");
}
static NO_INLINE void priv_iret(void)
{
    __asm__ volatile("pushq $0\n\tpushq $0\n\tpushq $2\n\tpushq $8\n\tpushq $0\n\tiretq");
}

static NO_INLINE void segment_ss(void) { __asm__ volatile("movw %w0, %%ss" : : "r"(0x10)); }
static NO_INLINE void segment_ds(void) { __asm__ volatile("movw %w0, %%ds" : : "r"(0x3c0)); }
static NO_INLINE void segment_fs(void) { __asm__ volatile("movw %w0, %%fs" : : "r"(0x3c0)); }
static NO_INLINE void segment_gs(void) { __asm__ volatile("movw %w0, %%gs" : : "r"(0x3c0)); }
static NO_INLINE void segment_far(void)
{
    static const struct __attribute__((packed)) {
        uint32_t offset;
        uint16_t selector;
    } target = {0x400000, 0x8};
    __asm__ volatile("ljmp *%0" : : "m"(target));
}

static NO_INLINE void stack_push(void)
{
    __asm__ volatile("movq %0, %%rsp\n\tpushq $1" : : "r"(hidden(0x1234567890ul)));
}
static NO_INLINE void stack_kernel(void)
{
    __asm__ volatile("movq %0, %%rsp\n\tpushq $1" : : "r"(hidden(KERNEL_VA)));
}
static NO_INLINE void stack_noncanonical(void)
{
    __asm__ volatile("movq %0, %%rsp\n\tpushq $1" : : "r"(hidden(NON_CANONICAL)));
}
/* A system call with such a stack works, as the kernel has its own; the push after it faults. */
static NO_INLINE void stack_syscall(void)
{
    __asm__ volatile("movq %0, %%rsp\n\txorl %%eax, %%eax\n\tsyscall\n\tpushq $1"
                     :
                     : "r"(hidden(KERNEL_VA))
                     : "rax", "rcx", "r11");
}

static NO_INLINE void illegal_ud2(void) { __asm__ volatile("ud2"); }
static NO_INLINE void illegal_int80(void) { __asm__ volatile("int $0x80" : : "a"(1), "b"(0)); }
static NO_INLINE void illegal_int8(void) { __asm__ volatile("int $8"); }
static NO_INLINE void illegal_sysenter(void) { __asm__ volatile("sysenter"); }
static NO_INLINE void vsyscall(void)
{
    __asm__ volatile("call *%0" : : "r"(hidden(0xffffffffff600000ul)) : "rax", "memory");
}

/* The trap flag across a system call: either single steps fault here, or it is cleared; the kernel
   must not stop. */
static NO_INLINE void trap_flag(void)
{
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\txorl %%eax, %%eax\n\tsyscall\n\tnop"
                     :
                     :
                     : "rax", "rcx", "r11", "memory");
}

/* ---- raw system calls ---- */

static uint64_t seed = 1;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A value of one of the kinds that break things. */
static uint64_t nasty(void)
{
    static const uint64_t values[] = {1,
                                      2,
                                      0xfff,
                                      0x1000,
                                      USER_BASE,
                                      USER_TOP,
                                      USER_TOP - 1,
                                      USER_TOP - 4096,
                                      KERNEL_VA,
                                      NON_CANONICAL,
                                      UINT64_MAX,
                                      UINT64_MAX - 4095,
                                      1ul << 63,
                                      1ul << 32,
                                      0x7fffffffffff,
                                      0xffff800000000000};
    uint64_t choice = random64();
    if (choice % 3 == 0)
        return random64();
    return values[choice / 4 % (sizeof values / sizeof values[0])];
}

/* A handle number that is not open: this program must not harm what it was given. */
static uint64_t bad_handle(void) { return HANDLES_MAX / 2 + nasty() % 0x7fffffffffffffff; }

static int64_t raw(uint64_t number)
{
    register uint64_t r10 __asm__("r10") = nasty();
    register uint64_t r8 __asm__("r8") = nasty();
    register uint64_t r9 __asm__("r9") = nasty();
    uint64_t a0 = bad_handle(), a1 = nasty(), a2 = nasty(), rbx = nasty();
    int64_t status;
    __asm__ volatile("syscall"
                     : "=a"(status), "+D"(a0), "+S"(a1), "+d"(a2), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "a"(number), "b"(rbx)
                     : "rcx", "r11", "memory");
    return status;
}

/* 1 if any process may end, wait or change its own state by it, whatever the registers are. */
static int is_harmless_to_skip(uint64_t number)
{
    return number == SYS_thread_exit || number == SYS_process_exit || number == SYS_fs_base;
}

static void raw_check(uint64_t number)
{
    int64_t status = raw(number);
    int may_work = number == SYS_nop || number == SYS_yield || number == SYS_clock;
    if (status < -(int64_t)(ERR_LAST - 1) || status > 0 || (status == 0 && !may_work)) {
        printf("hostile: system call %lu gave %ld\n", number, status);
        exit(1);
    }
    if (number >= SYS_COUNT && status != -ERR_CALL) {
        printf("hostile: system call %lu, which does not exist, gave %ld\n", number, status);
        exit(1);
    }
}

static void raw_syscalls(void)
{
    uint64_t calls = 0;
    for (int round = 0; round < 20; round++)
        for (uint64_t number = 0; number <= 1000; number++)
            if (!is_harmless_to_skip(number)) {
                raw_check(number);
                calls++;
            }
    for (int i = 0; i < 1000; i++, calls++)
        raw_check(random64() | 1ul << 20);
    printf("hostile: %lu raw system calls, each answered with an error or harmless\n", calls);
    exit(0);
}

#define FS_ROUNDS 100

static uint64_t fs_word = 4711; /* what FS:0 is for both threads */

static void fs_set(void)
{
    if (atm_fs_base((uintptr_t)&fs_word).status != 0)
        exit(1);
}

/* Makes its own base 0, by a selector that means nothing, before each answer. */
static void fs_spoil(uint64_t endpoint)
{
    struct atm_result r = atm_receive(endpoint, 0);
    while (r.status == 0) {
        fs_set();
        __asm__ volatile("mov %w0, %%fs" : : "r"(0));
        r = atm_reply_receive(endpoint, 0, 0, 0, 0, 0);
    }
    exit(1);
}

/* Two threads with the same FS base, one of which loads FS: the other's base stays. */
static void fs_base_of_another(void)
{
    static uint8_t stack[8192] __attribute__((aligned(16)));
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    uint64_t top = (uintptr_t)(stack + sizeof stack - 8);
    struct atm_result r = atm_thread_create(0, (uintptr_t)fs_spoil, top, endpoint, SETUP(1, 0), 0);
    fs_set();
    for (int round = 0; r.status == 0 && round < FS_ROUNDS; round++) {
        uint64_t word;
        r = atm_call(endpoint, 0, 0, 0, 0, 0);
        __asm__ volatile("mov %%fs:0, %0" : "=r"(word));
        if (word != fs_word)
            exit(1);
    }
    printf("hostile: the base of FS stayed %d times\n", r.status == 0 ? FS_ROUNDS : 0);
    exit(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {
    {"readkernel", read_kernel},
    {"readwindow", read_window},
    {"writekernel", write_kernel},
    {"writewindow", write_window},
    {"readother", read_other},
    {"writeother", write_other},
    {"readlow", read_low},
    {"readtop", read_top},
    {"jumpkernel", jump_kernel},
    {"jumptop", jump_top},
    {"noncanonical", read_noncanonical},
    {"jumpnoncanonical", jump_noncanonical},
    {"readonly", write_text},
    {"rodata", write_rodata},
    {"execdata", run_data},
    {"execstack", run_stack},
    {"hlt", priv_hlt},
    {"cli", priv_cli},
    {"sti", priv_sti},
    {"cr3", priv_cr3},
    {"cr0", priv_cr0},
    {"wrmsr", priv_wrmsr},
    {"rdmsr", priv_rdmsr},
    {"in", priv_in},
    {"out", priv_out},
    {"lgdt", priv_lgdt},
    {"ltr", priv_ltr},
    {"invlpg", priv_invlpg},
    {"swapgs", priv_swapgs},
    {"sysret", priv_sysret},
    {"iret", priv_iret},
    {"ss", segment_ss},
    {"ds", segment_ds},
    {"fs", segment_fs},
    {"gs", segment_gs},
    {"farjump", segment_far},
    {"stack", stack_push},
    {"stackkernel", stack_kernel},
    {"stacknoncanonical", stack_noncanonical},
    {"stacksyscall", stack_syscall},
    {"ud2", illegal_ud2},
    {"int80", illegal_int80},
    {"int8", illegal_int8},
    {"sysenter", illegal_sysenter},
    {"vsyscall", vsyscall},
    {"trapflag", trap_flag},
    {"rawsyscall", raw_syscalls},
    {"fsbase", fs_base_of_another},
};

int main(int argc, char **argv)
{
    if (argc > 2)
        seed = strtoul(argv[2], NULL, 0) | 1;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (argc < 2)
            printf("%s\n", deeds[i].name);
        else if (strcmp(argv[1], deeds[i].name) == 0) {
            deeds[i].run();
            printf("hostile: %s went unnoticed\n", deeds[i].name);
            return 1;
        }
    }
    if (argc < 2)
        return 0;
    printf("hostile: there is no deed \"%s\"; without one all are listed\n", argv[1]);
    return 2;
}
