/* SPDX-License-Identifier: MIT */
/*
 * Machine code against the wall: runs short programs in stubs, below the kernel's core, and looks at why they stopped and
 * what became of the host process. The page tables are made by hand: code at CODE, data at DATA, and so on, each one page
 * of one frame.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/hosted/native.h"
#include "arch/hosted/pci.h"
#include "arch/hosted/stub_layout.h"
#include "core/table.h"

#define FRAMES 8192u
#define THREAD_A 20u
#define THREAD_B 21u

/* Pages of a space: address, frame offset from its root. */
#define CODE 0x400000u
#define DATA 0x401000u
#define CONSTANT 0x402000u /* read only */
#define ABSENT 0x403000u
#define STACK 0x404000u
#define DEVICE 0x405000u /* two pages of device memory, the second read only */
#define RUN 0x500000u    /* empty: for tests that map */
enum {
    ROOT_OF,
    LEVEL3_OF,
    LEVEL2_OF,
    LEVEL1_OF,
    CODE_OF,
    DATA_OF,
    CONSTANT_OF,
    STACK_OF,
    SPACE_FRAMES
};

#define FIRST_ROOT 32u

static struct user_regs_struct regs;

static void entry_put(pfn_t table, uint64_t index, uint64_t frame, uint64_t bits)
{
    table_at[table].entry[index] = frame * PAGE_SIZE | PTE_PRESENT | PTE_USER | bits;
}

static void page_put(pfn_t root, uint64_t va, uint64_t frame, uint64_t bits)
{
    entry_put(root + LEVEL1_OF, table_index(va, 1) + 0u, frame, bits);
}

/* A space whose tables and pages are the SPACE_FRAMES frames from root on. */
static pfn_t space_make(pfn_t root)
{
    memset(&page_at[root], 0, SPACE_FRAMES * PAGE_SIZE);
    for (uint32_t i = 0; i < 4; i++) {
        frame_kind[root + i] = FRAME_TABLE;
        table_level[root + i] = (uint8_t)(4 - i);
    }
    entry_put(root, 0, root + LEVEL3_OF, PTE_WRITE);
    entry_put(root + LEVEL3_OF, 0, root + LEVEL2_OF, PTE_WRITE);
    entry_put(root + LEVEL2_OF, table_index(CODE, 2), root + LEVEL1_OF, PTE_WRITE);
    page_put(root, CODE, root + CODE_OF, 0);
    page_put(root, DATA, root + DATA_OF, PTE_WRITE | PTE_NX);
    page_put(root, CONSTANT, root + CONSTANT_OF, PTE_NX);
    page_put(root, STACK, root + STACK_OF, PTE_WRITE | PTE_NX);
    return root;
}

static void code_put(pfn_t root, const char *code, size_t bytes)
{
    memcpy(&page_at[root + CODE_OF], code, bytes);
}
#define CODE_PUT(root, text) code_put(root, text, sizeof(text) - 1)

static void regs_start(void)
{
    regs = (struct user_regs_struct){.rip = CODE,
                                     .rsp = STACK + PAGE_SIZE,
                                     .cs = 0x33,
                                     .ss = 0x2b,
                                     .eflags = 0x202,
                                     .orig_rax = UINT64_MAX};
}

static struct stop go(pfn_t root)
{
    struct stub *s = stub_get(root);

    assert_non_null(s);
    return stub_run(s, THREAD_A, &regs);
}

/* Runs code from the start of a fresh space. */
#define RUN_CODE(text) (CODE_PUT(FIRST_ROOT, text), go(FIRST_ROOT))

static int space_setup(void **state)
{
    (void)state;
    space_make(FIRST_ROOT);
    regs_start();
    return 0;
}

static int space_teardown(void **state)
{
    (void)state;
    arch_root_release(FIRST_ROOT);
    arch_thread_release(THREAD_A);
    arch_thread_release(THREAD_B);
    return 0;
}

static void expect_fault(struct stop stop, uint32_t kind, uint64_t address)
{
    assert_int_equal(stop.reason, STOP_FAULT);
    assert_int_equal(stop.kind, kind);
    assert_int_equal(stop.address, address);
}

/* ---- system calls ---- */

static void test_syscall_stops_with_all_registers(void **state)
{
    struct user_regs_struct before;

    (void)state;
    regs.rax = 0xffffffff00000001u;
    regs.rbx = 3;
    regs.r15 = UINT64_MAX;
    before = regs;
    assert_int_equal(RUN_CODE("\x0f\x05").reason, STOP_SYSCALL);
    assert_int_equal(regs.rip, CODE + 2);
    assert_int_equal(regs.rax, before.rax);
    assert_int_equal(regs.rbx, before.rbx);
    assert_int_equal(regs.r15, before.r15);
    assert_int_equal(regs.rsp, before.rsp);
    assert_int_equal(regs.rcx, CODE + 2);
}

/* Between two calls any number of registers may change, few and many. */
static void test_registers_changed_between_calls_arrive(void **state)
{
    unsigned long long *const changed[] = {&regs.rax, &regs.rbx, &regs.r15, &regs.rdi, &regs.r8};

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x0f\x05\xeb\xfc"); /* syscall, for ever */
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    for (uint64_t n = 0; n <= sizeof changed / sizeof changed[0]; n++) {
        for (uint64_t i = 0; i < n; i++) {
            *changed[i] = 100 * n + i;
        }
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
        for (uint64_t i = 0; i < n; i++) {
            assert_int_equal(*changed[i], 100 * n + i);
        }
        assert_int_equal(regs.rip, CODE + 2);
    }
}

/* A result that on the host means "once more" is only a number, with a signal on its way, too. */
static void test_result_like_a_restart_is_a_number(void **state)
{
    (void)state;
    CODE_PUT(FIRST_ROOT, "\x0f\x05\x0f\x05");
    for (uint64_t number = 511; number <= 517; number++) {
        regs_start();
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
        regs.rax = -number;
        kill(stub_get(FIRST_ROOT)->pid, SIGALRM);
        assert_int_equal(go(FIRST_ROOT).reason, STOP_KICK);
        assert_int_equal(regs.rip, CODE + 2);
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
        assert_int_equal(regs.rip, CODE + 4);
        assert_int_equal(regs.rax, -number);
    }
}

/* Were one of these done by the host, the stub would be gone or changed. */
static void test_syscall_of_host_number_does_not_act(void **state)
{
    static const long number[] = {SYS_exit, SYS_exit_group, SYS_kill, SYS_munmap,
                                  SYS_mmap, SYS_execve,     SYS_fork};

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x0f\x05");
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        regs_start();
        regs.rax = (uint64_t)number[i];
        regs.rdi = 0;
        regs.rsi = STUB_HOST_TOP;
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
        assert_int_equal(regs.rax, number[i]);
    }
    assert_false(stub_get(FIRST_ROOT)->dead);
}

static void test_int80_is_illegal(void **state)
{
    (void)state;
    regs.rax = 1;
    expect_fault(RUN_CODE("\xcd\x80"), FAULT_ILLEGAL, 0);
    assert_int_equal(regs.rip, CODE);
    assert_int_equal(regs.rax, 1);
}

static void test_sysenter_is_fault(void **state)
{
    (void)state;
    assert_int_equal(RUN_CODE("\x0f\x34").reason, STOP_FAULT);
}

/* mov rax, 0x400010; jmp far to 0x23:CODE+0x20 in 32-bit code, which does int 0x80 */
static void test_32_bit_code_is_illegal(void **state)
{
    (void)state;
    memcpy((char *)&page_at[FIRST_ROOT + DATA_OF], "\x20\x00\x40\x00\x23\x00", 6);
    memcpy((char *)&page_at[FIRST_ROOT + CODE_OF] + 0x20, "\xb8\x01\x00\x00\x00\xcd\x80", 7);
    expect_fault(RUN_CODE("\xff\x2c\x25\x00\x10\x40\x00"), FAULT_ILLEGAL, 0); /* ljmp *DATA */
    assert_int_equal(regs.rip, CODE + 0x25);
    assert_int_equal(regs.rsp, STACK + PAGE_SIZE);
    memcpy((char *)&page_at[FIRST_ROOT + CODE_OF] + 0x20, "\xa1\x00\x30\x40\x00",
           5); /* mov ABSENT, eax */
    regs_start();
    expect_fault(go(FIRST_ROOT), FAULT_ILLEGAL, 0);
}

static void test_stub_gate_is_not_executable_for_guest(void **state)
{
    (void)state;
    regs.rax = SYS_munmap;
    regs.rdi = 0;
    regs.rsi = USER_TOP;
    regs.r13 = STUB_GATE;
    expect_fault(RUN_CODE("\x41\xff\xe5"), FAULT_EXECUTE, STUB_GATE); /* jmp *r13 */
    regs_start();
    regs.rip = STUB_EXIT; /* exit_group */
    regs.r15 = 9;
    assert_int_equal(go(FIRST_ROOT).kind, FAULT_EXECUTE);
    assert_false(stub_get(FIRST_ROOT)->dead);
}

/* The list of host calls in the stub page: empty when a guest looks, not its to write, and of no use if it brings its
   own. */
static void test_list_of_calls_is_no_way_out(void **state)
{
    (void)state;
    regs.rbx = STUB_LIST;
    assert_int_equal(RUN_CODE("\x48\x8b\x03\x48\x0b\x43\x08\x0f\x05").reason,
                     STOP_SYSCALL); /* mov (rbx), rax; or 8(rbx), rax; syscall */
    assert_int_equal(regs.rax, 0);
    regs_start();
    regs.rbx = STUB_LIST;
    expect_fault(RUN_CODE("\x89\x03"), FAULT_WRITE, STUB_LIST);
    regs_start();
    page_at[FIRST_ROOT + DATA_OF].word[0] = SYS_munmap;
    page_at[FIRST_ROOT + DATA_OF].word[2] = USER_TOP;
    regs.rip = STUB_NEXT;
    regs.r12 = DATA;
    regs.r13 = DATA + sizeof(struct stub_call);
    expect_fault(go(FIRST_ROOT), FAULT_EXECUTE, STUB_GATE);
    assert_false(stub_get(FIRST_ROOT)->dead);
}

/* ---- device memory ---- */

static struct pci_device device;
static uint64_t device_seen; /* what was written last: offset, width, value */

static uint64_t device_read(struct pci_device *d, uint32_t offset, uint32_t width)
{
    (void)d;
    return 0xa1b2c3d4e5f60708u + offset + ((uint64_t)width << 32);
}

static void device_write(struct pci_device *d, uint32_t offset, uint32_t width, uint64_t value)
{
    (void)d;
    device_seen = (uint64_t)offset << 48 | (uint64_t)width << 40 | (value & 0xffffffffu);
}

static int device_setup(void **state)
{
    space_setup(state);
    pci_clear();
    pci_device_init(&device, 1, 1, 0);
    device.window[0] = (struct pci_window){2 * PAGE_SIZE, device_read, device_write};
    assert_true(pci_add(&device));
    page_put(FIRST_ROOT, DEVICE, PCI_WINDOW_BASE / PAGE_SIZE, PTE_DEVICE | PTE_WRITE | PTE_NX);
    page_put(FIRST_ROOT, DEVICE + PAGE_SIZE, PCI_WINDOW_BASE / PAGE_SIZE + 1, PTE_DEVICE | PTE_NX);
    regs.rsi = DEVICE;
    device_seen = 0;
    return 0;
}

static void test_device_load_and_store_go_to_the_bus(void **state)
{
    (void)state;
    regs.rax = UINT64_MAX;
    assert_int_equal(RUN_CODE("\x8b\x46\x10\x0f\x05").reason, STOP_DEVICE); /* mov 16(%rsi),%eax */
    assert_int_equal(regs.rax, 0xe5f60718u);
    assert_int_equal(regs.rip, CODE + 3);
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    regs_start();
    regs.rsi = DEVICE;
    regs.rbx = 0x1234;
    assert_int_equal(RUN_CODE("\x66\x89\x5e\x20").reason, STOP_DEVICE); /* mov %bx,32(%rsi) */
    assert_int_equal(device_seen, 0x0020020000001234u);
}

static void test_device_other_instructions_are_faults(void **state)
{
    (void)state;
    expect_fault(RUN_CODE("\x01\x06"), FAULT_WRITE, DEVICE); /* add %eax,(%rsi) */
    regs_start();
    regs.rsi = DEVICE + 8;
    expect_fault(RUN_CODE("\xff\x36"), FAULT_READ, DEVICE + 8); /* push (%rsi) */
    regs_start();
    regs.rsi = DEVICE;
    expect_fault(RUN_CODE("\x0f\x10\x06"), FAULT_READ, DEVICE); /* movups (%rsi),%xmm0 */
    regs_start();
    regs.rip = DEVICE;
    expect_fault(go(FIRST_ROOT), FAULT_EXECUTE, DEVICE);
    assert_int_equal(device_seen, 0);
}

static void test_device_read_only_page_refuses_stores(void **state)
{
    (void)state;
    regs.rsi = DEVICE + PAGE_SIZE;
    assert_int_equal(RUN_CODE("\x8a\x06").reason, STOP_DEVICE); /* mov (%rsi),%al */
    regs.rip = CODE;
    expect_fault(RUN_CODE("\x88\x06"), FAULT_WRITE, DEVICE + PAGE_SIZE); /* mov %al,(%rsi) */
    assert_int_equal(device_seen, 0);
}

/* Half in memory, half in the device: neither is done. */
static void test_device_access_over_a_page_boundary_is_a_fault(void **state)
{
    (void)state;
    regs.rsi = DEVICE - 2;
    expect_fault(RUN_CODE("\x89\x06"), FAULT_WRITE, DEVICE); /* mov %eax,(%rsi) */
    regs_start();
    regs.rsi = DEVICE + PAGE_SIZE - 2;
    expect_fault(RUN_CODE("\x8b\x06"), FAULT_READ, DEVICE + PAGE_SIZE - 2);
    assert_int_equal(device_seen, 0);
}

static void test_device_store_reaches_the_vacant_bus(void **state)
{
    (void)state;
    pci_clear();
    regs.rax = 0;
    assert_int_equal(RUN_CODE("\x48\x8b\x06").reason, STOP_DEVICE); /* mov (%rsi),%rax */
    assert_int_equal(regs.rax, UINT64_MAX);
    regs_start();
    regs.rsi = DEVICE;
    assert_int_equal(RUN_CODE("\x48\x89\x06").reason, STOP_DEVICE);
}

/* Should SYSEMU ever fail: the filter kills what does not come from the gate, even a call it allows there. */
static void test_filter_kills_call_from_elsewhere(void **state)
{
    struct stub *s;
    int status = 0;

    (void)state;
    assert_int_equal(RUN_CODE("\x0f\x05").reason, STOP_SYSCALL);
    s = stub_get(FIRST_ROOT);
    regs_start();
    regs.rax = SYS_mmap;
    regs.rip = CODE;
    assert_true(stub_regs_set(s, &regs));
    assert_int_equal(ptrace(PTRACE_CONT, s->pid, 0, 0), 0);
    assert_int_equal(waitpid(s->pid, &status, __WALL), s->pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
    s->dead = true;
    s->reaped = true;
}

static void test_filter_kills_other_call_from_gate(void **state)
{
    const uint64_t call[7] = {SYS_getpid, 0, 0, 0, 0, 0, 0};
    struct stub *s;

    (void)state;
    s = stub_get(FIRST_ROOT);
    assert_int_equal(stub_call(s, call), -ESRCH);
    assert_true(s->dead);
}

/* ---- faults ---- */

static void test_fault_kinds_of_absent_page(void **state)
{
    (void)state;
    regs.rbx = ABSENT + 8;
    expect_fault(RUN_CODE("\x48\x8b\x03"), FAULT_READ, ABSENT + 8); /* mov (rbx), rax */
    assert_int_equal(regs.rip, CODE);
    expect_fault(RUN_CODE("\x48\x89\x03"), FAULT_WRITE, ABSENT + 8); /* mov rax, (rbx) */
    expect_fault(RUN_CODE("\x48\xff\x03"), FAULT_WRITE, ABSENT + 8); /* inc (rbx) */
    expect_fault(RUN_CODE("\xff\xe3"), FAULT_EXECUTE, ABSENT + 8);   /* jmp *rbx */
    assert_int_equal(regs.rip, ABSENT + 8);
}

static void test_fault_kinds_of_present_page(void **state)
{
    (void)state;
    regs.rbx = CONSTANT;
    expect_fault(RUN_CODE("\x8b\x03\x89\x03"), FAULT_WRITE, CONSTANT);
    regs_start();
    regs.rbx = CODE;
    expect_fault(RUN_CODE("\x89\x03"), FAULT_WRITE, CODE);
    regs_start();
    regs.rip = DATA + 5;
    expect_fault(go(FIRST_ROOT), FAULT_EXECUTE, DATA + 5);
}

/* An instruction whose second half is on a page that may not be executed. */
static void test_fault_of_crossing_instruction_is_execute(void **state)
{
    (void)state;
    memcpy((char *)&page_at[FIRST_ROOT + CODE_OF] + 4094, "\x48\x8b", 2);
    regs.rip = CODE + 4094;
    expect_fault(go(FIRST_ROOT), FAULT_EXECUTE, DATA);
}

static void test_fault_kinds_of_instructions(void **state)
{
    (void)state;
    expect_fault(RUN_CODE("\x0f\x0b"), FAULT_ILLEGAL, 0);
    expect_fault(RUN_CODE("\xf4"), FAULT_ILLEGAL, 0);
    expect_fault(RUN_CODE("\xec"), FAULT_ILLEGAL, 0);
    regs_start();
    expect_fault(RUN_CODE("\xf7\xf1"), FAULT_DIVIDE, 0); /* div ecx */
    regs_start();
    expect_fault(RUN_CODE("\xcc"), FAULT_BREAKPOINT, 0);
    regs_start();
    expect_fault(RUN_CODE("\xf1"), FAULT_BREAKPOINT, 0);
    regs_start();
    regs.rbx = DATA + 1; /* pushf; orl AC, (rsp); popf; mov (rbx), eax */
    expect_fault(RUN_CODE("\x9c\x81\x0c\x24\x00\x00\x04\x00\x9d\x8b\x03"), FAULT_ALIGNMENT, 0);
}

/* movl $0x1f00, -8(rsp); ldmxcsr -8(rsp); xorps xmm0, xmm0; divss xmm0, xmm0 */
static void test_fault_of_unmasked_float_is_float(void **state)
{
    (void)state;
    expect_fault(
        RUN_CODE(
            "\xc7\x44\x24\xf8\x00\x1f\x00\x00\x0f\xae\x54\x24\xf8\x0f\x57\xc0\xf3\x0f\x5e\xc0"),
        FAULT_FLOAT, 0);
}

static void test_fault_above_user_memory(void **state)
{
    static const uint64_t address[] = {USER_TOP, STUB_ALT_STACK, STUB_BASE + 0x1000,
                                       0x7fffffffe000u, 0xffff800000000000u};

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x89\x03");
    for (size_t i = 0; i < sizeof address / sizeof address[0]; i++) {
        regs_start();
        regs.rbx = address[i];
        expect_fault(go(FIRST_ROOT), FAULT_WRITE, address[i]);
    }
    regs_start();
    regs.rbx = STUB_GATE;
    expect_fault(go(FIRST_ROOT), FAULT_WRITE, STUB_GATE);
    regs_start();
    regs.rbx = 0x8000000000000000u;
    expect_fault(go(FIRST_ROOT), FAULT_ILLEGAL, 0);
}

/* The stack pointer where the host writes its signal frame, or nowhere. */
static void test_fault_with_hostile_stack_pointer(void **state)
{
    (void)state;
    CODE_PUT(FIRST_ROOT, "\x89\x03");
    regs.rbx = ABSENT;
    regs.rsp = STUB_ALT_STACK + 64;
    expect_fault(go(FIRST_ROOT), FAULT_WRITE, ABSENT);
    assert_int_equal(regs.rsp, STUB_ALT_STACK + 64);
    regs.rsp = 0x8000000000000000u;
    expect_fault(go(FIRST_ROOT), FAULT_WRITE, ABSENT);
    assert_false(stub_get(FIRST_ROOT)->dead);
}

/* ---- memory ---- */

static void test_maps_hold_only_stub_page_and_guest_memory(void **state)
{
    char path[64], line[512];
    bool gate = false;
    FILE *maps;

    (void)state;
    regs.rbx = DATA;
    assert_int_equal(RUN_CODE("\x89\x03\x0f\x05").reason, STOP_SYSCALL);
    snprintf(path, sizeof path, "/proc/%d/maps", stub_get(FIRST_ROOT)->pid);
    maps = fopen(path, "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (strncmp(line, "700000200000-700000201000 r-xp", 30) == 0) {
            gate = true;
        } else if (strstr(line, "[vsyscall]") ==
                   NULL) { /* the host's, and no mapping of any process */
            assert_non_null(strstr(line, "/memfd:atmos-memory"));
            assert_true(strtoull(line, NULL, 16) < USER_TOP);
        }
    }
    fclose(maps);
    assert_true(gate);
}

static void test_files_are_the_memory_alone(void **state)
{
    char path[64], target[256];
    struct dirent *entry;
    int files = 0;
    DIR *folder;

    (void)state;
    snprintf(path, sizeof path, "/proc/%d/fd", stub_get(FIRST_ROOT)->pid);
    folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);

        if (n > 0) {
            target[n] = 0;
            assert_non_null(strstr(target, "memfd:atmos-memory"));
            files++;
        }
    }
    closedir(folder);
    assert_int_equal(files, 1);
}

static void test_write_reaches_the_frame(void **state)
{
    (void)state;
    regs.rbx = DATA + 16;
    regs.rax = 0x1234;
    assert_int_equal(RUN_CODE("\x48\x89\x03\x0f\x05").reason, STOP_SYSCALL);
    assert_int_equal(page_at[FIRST_ROOT + DATA_OF].word[2], 0x1234);
}

static void test_invalidated_page_faults(void **state)
{
    (void)state;
    CODE_PUT(FIRST_ROOT, "\x89\x03\x0f\x05");
    regs.rbx = DATA;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    table_at[FIRST_ROOT + LEVEL1_OF].entry[1] = 0;
    arch_tlb_invalidate(FIRST_ROOT, DATA, 1);
    regs_start();
    regs.rbx = DATA;
    expect_fault(go(FIRST_ROOT), FAULT_WRITE, DATA);
    page_put(FIRST_ROOT, DATA, FIRST_ROOT + DATA_OF, PTE_NX); /* back, but read only */
    expect_fault(go(FIRST_ROOT), FAULT_WRITE, DATA);
    page_put(FIRST_ROOT, DATA, FIRST_ROOT + DATA_OF,
             PTE_NX | PTE_WRITE); /* more rights need no invalidation */
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
}

/* A frame nobody has written is left alone; all others are cleared, each time. */
static void test_cleared_frame_is_zero_every_time(void **state)
{
    const pfn_t frame[] = {FRAMES - 1, FRAMES - 2}, end = FRAMES - 1;

    (void)state;
    hosted_memory_fresh(end);
    page_at[frame[0]].word[7] = 1; /* behind the fresh ones */
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 2; i++) {
            arch_frame_clear(frame[i]);
            for (uint32_t word = 0; word < PAGE_SIZE / 8; word++) {
                assert_int_equal(page_at[frame[i]].word[word], 0);
            }
            memset(&page_at[frame[i]], 0xa5, PAGE_SIZE);
        }
    }
}

/* What takes a page's place is there at once, and nothing of the old page. */
static void test_replaced_page_is_the_new_one(void **state)
{
    const uint64_t old = FIRST_ROOT + DATA_OF, new = FIRST_ROOT + CONSTANT_OF;
    uint32_t changes;

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x89\x03\x0f\x05"); /* mov eax, (rbx); syscall */
    regs.rbx = DATA;
    regs.rax = 1;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    page_put(FIRST_ROOT, DATA, new, PTE_NX | PTE_WRITE);
    arch_tlb_invalidate(FIRST_ROOT, DATA, 1);
    changes = stub_get(FIRST_ROOT)->tlb.changes;
    regs_start();
    regs.rbx = DATA;
    regs.rax = 2;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    assert_int_equal(page_at[old].word[0], 1);
    assert_int_equal(page_at[new].word[0], 2);
    assert_int_equal(stub_get(FIRST_ROOT)->tlb.changes, changes + 2); /* unmapped, mapped */
}

/* One fault maps what lies around it: pages in a row as one mapping, each with its own rights, and no others. */
static void test_fault_maps_the_neighbours(void **state)
{
    const uint64_t last = RUN + 5 * PAGE_SIZE;
    uint32_t changes;

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x8b\x03\x89\x01\x0f\x05"); /* mov (rbx), eax; mov eax, (rcx); syscall */
    regs.rbx = regs.rcx = DATA;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    changes = stub_get(FIRST_ROOT)->tlb.changes;
    for (uint32_t i = 0; i < 4; i++) {
        page_put(FIRST_ROOT, RUN + i * PAGE_SIZE, FIRST_ROOT + CODE_OF + i, PTE_NX | PTE_WRITE);
    }
    page_put(FIRST_ROOT, last, FIRST_ROOT + CODE_OF, PTE_NX);
    for (uint32_t i = 0; i < 4; i++) {
        regs_start();
        regs.rbx = last;
        regs.rcx = RUN + i * PAGE_SIZE;
        CODE_PUT(FIRST_ROOT, "\x8b\x03\x89\x01\x0f\x05");
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    }
    assert_int_equal(stub_get(FIRST_ROOT)->tlb.changes, changes + 2);
    regs_start();
    regs.rbx = last;
    regs.rcx = last;
    CODE_PUT(FIRST_ROOT, "\x8b\x03\x89\x01\x0f\x05");
    expect_fault(go(FIRST_ROOT), FAULT_WRITE, last);
    regs_start();
    regs.rbx = last - PAGE_SIZE;
    expect_fault(go(FIRST_ROOT), FAULT_READ, last - PAGE_SIZE);
}

/* Pages are invalidated in an order that does not merge, more ranges than are kept. */
static void test_many_invalidations_all_hold(void **state)
{
    pfn_t data = FIRST_ROOT + DATA_OF;

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x89\x03\x0f\x05");
    for (uint32_t i = 0; i < 64; i++) {
        page_put(FIRST_ROOT, RUN + i * PAGE_SIZE, data, PTE_NX | PTE_WRITE);
        regs_start();
        regs.rbx = RUN + i * PAGE_SIZE;
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    }
    for (uint32_t i = 0; i < 64; i += 2) {
        table_at[FIRST_ROOT + LEVEL1_OF].entry[table_index(RUN, 1) + i] = 0;
        arch_tlb_invalidate(FIRST_ROOT, RUN + i * PAGE_SIZE, 1);
    }
    for (uint32_t i = 0; i < 64; i++) {
        regs_start();
        regs.rbx = RUN + i * PAGE_SIZE;
        assert_int_equal(go(FIRST_ROOT).reason, i % 2 == 0 ? STOP_FAULT : STOP_SYSCALL);
    }
}

/* More mappings than the host allows a process at a time: the stub starts anew in time. */
static void test_mappings_are_bounded(void **state)
{
    pfn_t data = FIRST_ROOT + DATA_OF;

    (void)state;
    CODE_PUT(FIRST_ROOT, "\x89\x03\x0f\x05");
    page_put(FIRST_ROOT, RUN, data, PTE_NX | PTE_WRITE);
    for (uint32_t i = 0; i < 12000; i++) {
        regs_start();
        regs.rbx = RUN;
        assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
        arch_tlb_invalidate(FIRST_ROOT, RUN, 1);
    }
    assert_true(stub_get(FIRST_ROOT)->tlb.changes < 20100);
}

static void test_device_page_is_never_mapped(void **state)
{
    (void)state;
    page_put(FIRST_ROOT, RUN, 0xfe000, PTE_NX | PTE_WRITE | PTE_DEVICE);
    for (uint32_t i = 0; i < 2; i++) { /* no access makes it a mapping */
        regs_start();
        regs.rbx = RUN;
        assert_int_equal(RUN_CODE("\x8b\x03").reason, STOP_DEVICE);
        assert_int_equal(regs.rax, UINT32_MAX);
    }
}

/* ---- state of threads ---- */

/* movq rbx, xmm0; syscall; movq xmm0, rbx; syscall */
#define VECTOR_CODE "\x66\x48\x0f\x6e\xc3\x0f\x05\x66\x48\x0f\x7e\xc3\x0f\x05"

static void test_vector_state_belongs_to_thread(void **state)
{
    struct stub *s = stub_get(FIRST_ROOT);
    struct user_regs_struct other;

    (void)state;
    CODE_PUT(FIRST_ROOT, VECTOR_CODE);
    regs.rbx = 0xaaaa;
    other = regs;
    other.rbx = 0xbbbb;
    assert_int_equal(stub_run(s, THREAD_A, &regs).reason, STOP_SYSCALL);
    assert_int_equal(stub_run(s, THREAD_B, &other).reason, STOP_SYSCALL);
    regs.rbx = 0;
    other.rbx = 0;
    assert_int_equal(stub_run(s, THREAD_A, &regs).reason, STOP_SYSCALL);
    assert_int_equal(stub_run(s, THREAD_B, &other).reason, STOP_SYSCALL);
    assert_int_equal(regs.rbx, 0xaaaa);
    assert_int_equal(other.rbx, 0xbbbb);
}

static void test_vector_state_of_new_thread_is_fresh(void **state)
{
    struct stub *s = stub_get(FIRST_ROOT);

    (void)state;
    CODE_PUT(FIRST_ROOT, VECTOR_CODE);
    regs.rbx = 0xaaaa;
    assert_int_equal(stub_run(s, THREAD_A, &regs).reason, STOP_SYSCALL);
    arch_thread_release(THREAD_A);
    arch_thread_init(THREAD_A); /* another thread in the same frame */
    assert_int_equal(stub_run(s, THREAD_A, &regs).reason, STOP_SYSCALL);
    assert_int_equal(regs.rbx, 0);
}

/* The probe for the kind of a fault has the host write a signal frame. */
static void test_vector_state_survives_fault(void **state)
{
    (void)state;
    regs.rbx = 0xcccc;
    regs.rdx = ABSENT; /* movq rbx, xmm0; mov (rdx), al; movq xmm0, rcx; syscall */
    expect_fault(RUN_CODE("\x66\x48\x0f\x6e\xc3\x8a\x02\x66\x48\x0f\x7e\xc6\x0f\x05"), FAULT_READ,
                 ABSENT);
    regs.rdx = DATA;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    assert_int_equal(regs.rsi, 0xcccc);
}

static void test_vector_state_survives_eviction(void **state)
{
    pfn_t root = FIRST_ROOT;

    (void)state;
    CODE_PUT(FIRST_ROOT, VECTOR_CODE);
    regs.rbx = 0xdddd;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    for (uint32_t i = 0; i < 300; i++) { /* more address spaces than stubs */
        root += SPACE_FRAMES;
        space_make(root);
        assert_non_null(stub_get(root));
    }
    regs.rbx = 0;
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
    assert_int_equal(regs.rbx, 0xdddd);
    for (; root > FIRST_ROOT; root -= SPACE_FRAMES) {
        arch_root_release(root);
    }
}

static void test_fs_base_is_loaded(void **state)
{
    (void)state;
    regs.fs_base = DATA;
    page_at[FIRST_ROOT + DATA_OF].word[1] = 0x5678; /* mov fs:8, rbx; syscall */
    assert_int_equal(RUN_CODE("\x64\x48\x8b\x1c\x25\x08\x00\x00\x00\x0f\x05").reason, STOP_SYSCALL);
    assert_int_equal(regs.rbx, 0x5678);
}

/* ---- the host interferes ---- */

static void test_stub_killed_by_host_is_a_fault_and_comes_back(void **state)
{
    (void)state;
    CODE_PUT(FIRST_ROOT, "\x0f\x05");
    kill(stub_get(FIRST_ROOT)->pid, SIGKILL);
    assert_int_equal(go(FIRST_ROOT).kind, FAULT_OTHER);
    regs_start();
    assert_int_equal(go(FIRST_ROOT).reason, STOP_SYSCALL);
}

static void test_busy_loop_is_interrupted(void **state)
{
    struct stop stop;

    (void)state;
    time_host_timer(true);
    stop = RUN_CODE("\xeb\xfe");
    time_host_timer(false);
    assert_int_equal(stop.reason, STOP_KICK);
    assert_int_equal(regs.rip, CODE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, space_setup, space_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_syscall_stops_with_all_registers),
        TEST(test_registers_changed_between_calls_arrive),
        TEST(test_result_like_a_restart_is_a_number),
        TEST(test_syscall_of_host_number_does_not_act),
        TEST(test_int80_is_illegal),
        TEST(test_sysenter_is_fault),
        TEST(test_32_bit_code_is_illegal),
        TEST(test_stub_gate_is_not_executable_for_guest),
        TEST(test_list_of_calls_is_no_way_out),
        TEST(test_filter_kills_call_from_elsewhere),
        TEST(test_filter_kills_other_call_from_gate),
        TEST(test_fault_kinds_of_absent_page),
        TEST(test_fault_kinds_of_present_page),
        TEST(test_fault_of_crossing_instruction_is_execute),
        TEST(test_fault_kinds_of_instructions),
        TEST(test_fault_of_unmasked_float_is_float),
        TEST(test_fault_above_user_memory),
        TEST(test_fault_with_hostile_stack_pointer),
        TEST(test_maps_hold_only_stub_page_and_guest_memory),
        TEST(test_files_are_the_memory_alone),
        TEST(test_write_reaches_the_frame),
        TEST(test_invalidated_page_faults),
        TEST(test_cleared_frame_is_zero_every_time),
        TEST(test_replaced_page_is_the_new_one),
        TEST(test_fault_maps_the_neighbours),
        TEST(test_many_invalidations_all_hold),
        TEST(test_mappings_are_bounded),
        TEST(test_device_page_is_never_mapped),
        TEST(test_vector_state_belongs_to_thread),
        TEST(test_vector_state_of_new_thread_is_fresh),
        TEST(test_vector_state_survives_fault),
        TEST(test_vector_state_survives_eviction),
        TEST(test_fs_base_is_loaded),
        TEST(test_stub_killed_by_host_is_a_fault_and_comes_back),
        TEST(test_busy_loop_is_interrupted),
#define DEVICE_TEST(name) cmocka_unit_test_setup_teardown(name, device_setup, space_teardown)
        DEVICE_TEST(test_device_load_and_store_go_to_the_bus),
        DEVICE_TEST(test_device_other_instructions_are_faults),
        DEVICE_TEST(test_device_read_only_page_refuses_stores),
        DEVICE_TEST(test_device_access_over_a_page_boundary_is_a_fault),
        DEVICE_TEST(test_device_store_reaches_the_vacant_bus),
    };

    hosted_memory_init(FRAMES);
    time_init();
    stubs_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
