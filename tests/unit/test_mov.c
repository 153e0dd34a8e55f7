/* SPDX-License-Identifier: MIT */
/* Decoding of moves to and from device memory: encodings of each kind, with their text beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/hosted/mov.h"

#define NEXT 0x400000u
#define FS 0x7000000u
#define GS 0x8000000u

static uint64_t reg[16];

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        reg[i] = 0x1122334455667700u + 0x1111111111u * i;
    }
    reg[6] = 0x10000; /* rsi */
    reg[9] = 0x20;    /* r9 */
    return 0;
}

static struct mov decode(const char *code, uint32_t count)
{
    struct mov m;
    assert_true(mov_decode((const uint8_t *)code, count, &m));
    assert_int_equal(m.length, count);
    for (uint32_t i = 0; i < count; i++) { /* never past what is there */
        struct mov cut;
        assert_false(mov_decode((const uint8_t *)code, i, &cut));
    }
    return m;
}
#define DECODE(code) decode(code, sizeof(code) - 1)

static uint64_t address_of(const struct mov *m) { return mov_address(m, reg, NEXT, FS, GS); }

static void refuse(const char *code, uint32_t count)
{
    struct mov m;
    assert_false(mov_decode((const uint8_t *)code, count, &m));
}
#define REFUSE(code) refuse(code, sizeof(code) - 1)

static void load_is(const char *code, uint32_t count, uint64_t memory, uint64_t result)
{
    struct mov m = decode(code, count);
    assert_false(m.store);
    assert_int_equal(address_of(&m), 0x10000);
    mov_load(&m, reg, memory);
    assert_int_equal(reg[m.reg], result);
}
#define LOAD(code, memory, result) load_is(code, sizeof(code) - 1, memory, result)

static void test_mov_loads_of_each_width(void **state)
{
    (void)state;
    LOAD("\x8a\x06", 0xfedcba9876543210u, 0x1122334455667710u);     /* mov (%rsi),%al */
    LOAD("\x66\x8b\x06", 0xfedcba9876543210u, 0x1122334455663210u); /* mov (%rsi),%ax */
    LOAD("\x8b\x06", 0xfedcba9876543210u, 0x76543210u);             /* mov (%rsi),%eax */
    LOAD("\x48\x8b\x06", 0xfedcba9876543210u, 0xfedcba9876543210u); /* mov (%rsi),%rax */
    LOAD("\x4c\x8b\x3e", 7, 7);                                     /* mov (%rsi),%r15 */
    LOAD("\x8a\x26", 0x99, 0xfedcba9876549910u);                    /* mov (%rsi),%ah */
    LOAD("\x40\x8a\x26", 0x99, (reg[4] & ~0xffull) | 0x99);         /* mov (%rsi),%spl */
}

static void test_mov_loads_that_extend(void **state)
{
    (void)state;
    LOAD("\x0f\xb6\x06", 0x1ff, 0xff);                      /* movzbl (%rsi),%eax */
    LOAD("\x48\x0f\xb7\x06", 0x1ffff, 0xffff);              /* movzwq (%rsi),%rax */
    LOAD("\x0f\xbe\x06", 0x80, 0xffffff80u);                /* movsbl (%rsi),%eax */
    LOAD("\x48\x0f\xbf\x06", 0x8000, 0xffffffffffff8000u);  /* movswq (%rsi),%rax */
    LOAD("\x48\x63\x06", 0x80000000u, 0xffffffff80000000u); /* movslq (%rsi),%rax */
    LOAD("\x66\x0f\xb6\x06", 0x1ff, 0xffffffff800000ffu);   /* movzbw (%rsi),%ax */
    LOAD("\x66\x44\x0f\xbe\x06", 0xff, reg[8] | 0xffff);    /* movsbw (%rsi),%r8w */
}

static void store_is(const char *code, uint32_t count, uint32_t width, uint64_t value)
{
    struct mov m = decode(code, count);
    assert_true(m.store);
    assert_int_equal(m.width, width);
    assert_int_equal(address_of(&m), 0x10000);
    assert_int_equal(mov_stored(&m, reg), value);
}
#define STORE(code, width, value) store_is(code, sizeof(code) - 1, width, value)

static void test_mov_stores_of_registers(void **state)
{
    (void)state;
    STORE("\x88\x06", 1, reg[0] & 0xff);       /* mov %al,(%rsi) */
    STORE("\x88\x26", 1, reg[0] >> 8 & 0xff);  /* mov %ah,(%rsi) */
    STORE("\x40\x88\x26", 1, reg[4] & 0xff);   /* mov %spl,(%rsi) */
    STORE("\x44\x88\x06", 1, reg[8] & 0xff);   /* mov %r8b,(%rsi) */
    STORE("\x66\x89\x1e", 2, reg[3] & 0xffff); /* mov %bx,(%rsi) */
    STORE("\x89\x1e", 4, reg[3] & UINT32_MAX); /* mov %ebx,(%rsi) */
    STORE("\x4c\x89\x1e", 8, reg[11]);         /* mov %r11,(%rsi) */
}

static void test_mov_stores_of_immediates(void **state)
{
    (void)state;
    STORE("\xc6\x06\xfe", 1, 0xfe);                                /* movb $-2,(%rsi) */
    STORE("\x66\xc7\x06\xfe\xff", 2, 0xfffe);                      /* movw $-2,(%rsi) */
    STORE("\xc7\x06\x78\x56\x34\x12", 4, 0x12345678);              /* movl $..,(%rsi) */
    STORE("\x48\xc7\x06\xfe\xff\xff\xff", 8, 0xfffffffffffffffeu); /* movq $-2,(%rsi) */
}

static void address_is(const char *code, uint32_t count, uint64_t address)
{
    struct mov m = decode(code, count);
    assert_int_equal(address_of(&m), address);
}
#define ADDRESS(code, address) address_is(code, sizeof(code) - 1, address)

static void test_mov_addresses(void **state)
{
    (void)state;
    ADDRESS("\x8b\x46\x7f", 0x1007f);                     /* mov 127(%rsi),%eax */
    ADDRESS("\x8b\x46\x80", 0xff80);                      /* mov -128(%rsi),%eax */
    ADDRESS("\x8b\x86\x00\x10\x00\x00", 0x11000);         /* mov 4096(%rsi),%eax */
    ADDRESS("\x42\x8b\x04\x8e", 0x10080);                 /* mov (%rsi,%r9,4),%eax */
    ADDRESS("\x42\x8b\x44\xce\x08", 0x10108);             /* mov 8(%rsi,%r9,8),%eax */
    ADDRESS("\x42\x8b\x84\x4e\x00\x01\x00\x00", 0x10140); /* mov 256(%rsi,%r9,2),%eax */
    ADDRESS("\x8b\x05\x10\x00\x00\x00", NEXT + 16);       /* mov 16(%rip),%eax */
    ADDRESS("\x8b\x04\x25\x00\x00\x40\x00", 0x400000);    /* mov 0x400000,%eax */
    ADDRESS("\x42\x8b\x04\x0d\x00\x01\x00\x00", 0x120);   /* mov 256(,%r9,1),%eax */
    ADDRESS("\x41\x8b\x45\x00", reg[13]);                 /* mov 0(%r13),%eax */
    ADDRESS("\x41\x8b\x04\x24", reg[12]);                 /* mov (%r12),%eax */
    ADDRESS("\x64\x8b\x06", FS + 0x10000);                /* mov %fs:(%rsi),%eax */
    ADDRESS("\x65\x8b\x46\x08", GS + 0x10008);            /* mov %gs:8(%rsi),%eax */
    ADDRESS("\x67\x8b\x03", reg[3] & UINT32_MAX);         /* mov (%ebx),%eax */
    ADDRESS("\x36\x8b\x06", 0x10000);                     /* mov %ss:(%rsi),%eax */
}

static void test_mov_other_instructions_are_refused(void **state)
{
    (void)state;
    REFUSE("\x89\xd8");                 /* mov %ebx,%eax: no memory */
    REFUSE("\x0f\xb6\xc0");             /* movzbl %al,%eax */
    REFUSE("\xc7\x0e\x78\x56\x34\x12"); /* C7 /1 */
    REFUSE("\x01\x06");                 /* add %eax,(%rsi) */
    REFUSE("\xf0\x01\x06");             /* lock add */
    REFUSE("\x0f\x6f\x06");             /* movq (%rsi),%mm0 */
    REFUSE("\xf3\xa4");                 /* rep movsb */
    REFUSE("\x87\x06");                 /* xchg %eax,(%rsi) */
    REFUSE("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x8b\x06"); /* 16 bytes */
    REFUSE("");
}

/* Any bytes: no decoding reads past the end, which ASan sees, nor claims more than there is. */
static void test_mov_any_bytes(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (uint32_t round = 0; round < 200000; round++) {
        uint8_t code[MOV_BYTES_MAX];
        struct mov m;
        uint32_t count = round % (MOV_BYTES_MAX + 1);
        for (uint32_t i = 0; i < count; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            code[i] = (uint8_t)(random >> 24);
        }
        if (mov_decode(code, count, &m)) {
            assert_true(m.length <= count && m.reg < 16);
            assert_true(m.width == 1 || m.width == 2 || m.width == 4 || m.width == 8);
            (void)mov_address(&m, reg, NEXT, FS, GS);
            (void)mov_stored(&m, reg);
            mov_load(&m, reg, random);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_mov_loads_of_each_width), TEST(test_mov_loads_that_extend),
        TEST(test_mov_stores_of_registers), TEST(test_mov_stores_of_immediates),
        TEST(test_mov_addresses),           TEST(test_mov_other_instructions_are_refused),
        TEST(test_mov_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
