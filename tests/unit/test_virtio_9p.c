/* SPDX-License-Identifier: MIT */
/* The virtio-9p model: messages through a ring, messages that are none, and what a reset ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/hosted/virtio_9p.h"
#include "tests/unit/virtio_guest.h"

#define STARTED 15u
#define REQUEST GUEST_DATA
#define REPLY (GUEST_DATA + 0x2000)
enum {
    RLERROR = 7,
    TATTACH = 104,
    RATTACH,
    TVERSION = 100,
    RVERSION,
    TWALK = 110,
    RWALK,
    TCLUNK = 120
};

static struct share *share;
static char folder[64];

static int setup(void **state)
{
    (void)state;
    guest_clear();
    strcpy(folder, "/tmp/atmos-9p-XXXXXX");
    assert_non_null(mkdtemp(folder));
    share = share_open(folder, false);
    assert_non_null(share);
    assert_true(ninep_add(share, "share"));
    assert_true(guest_find());
    assert_int_equal(guest_start(1, 1), STARTED);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ninep_remove();
    share_close(share);
    return rmdir(folder);
}

/* A message of this type whose fields are text[0 .. bytes - 1], with this much room; type of the answer, 0: none. */
static uint8_t ask(uint8_t type, const char *fields, uint32_t bytes, uint32_t room)
{
    uint32_t size = 7 + bytes, head, used, answer;
    const struct guest_piece piece[] = {{REQUEST, 5, false},
                                        {REQUEST + 5, size - 5, false},
                                        {REPLY, 3, true},
                                        {REPLY + 3, room - 3, true}};
    memcpy(guest_ram + REQUEST, &size, 4);
    guest_ram[REQUEST + 4] = type;
    memset(guest_ram + REQUEST + 5, 0, 2);
    memcpy(guest_ram + REQUEST + 7, fields, bytes);
    guest_offer(0, 0, piece, 4);
    if (!guest_used(0, &head, &used)) {
        return 0;
    }
    memcpy(&answer, guest_ram + REPLY, 4);
    assert_int_equal(answer, used);
    return guest_ram[REPLY + 4];
}
#define ASK(type, fields) ask(type, fields, sizeof(fields) - 1, 4096)
#define VERSION                                                                                    \
    "\0\0\1\0\x08\0"                                                                               \
    "9P2000.L"
#define ATTACH "\1\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0"
#define WALK_NONE "\1\0\0\0\3\0\0\0\1\0\4\0none"
#define WALK_ITSELF "\1\0\0\0\2\0\0\0\0\0"

static void test_tag_is_told(void **state)
{
    (void)state;
    assert_int_equal(guest_config_read(0, 2), 5);
    assert_int_equal(guest_config_read(2, 2), 0x6873);
    assert_int_equal(guest_config_read(4, 2), 0x7261);
    assert_int_equal(guest_config_read(6, 1), 'e');
}

static void test_messages_are_answered(void **state)
{
    (void)state;
    uint32_t error;
    assert_int_equal(ASK(TVERSION, VERSION), RVERSION);
    assert_int_equal(ASK(TATTACH, ATTACH), RATTACH);
    assert_int_equal(ASK(TWALK, WALK_ITSELF), RWALK);
    assert_int_equal(ASK(TWALK, WALK_NONE), RLERROR);
    memcpy(&error, guest_ram + REPLY + 7, 4);
    assert_int_equal(error, ENOENT);
    assert_int_equal(ASK(TCLUNK, "\2\0\0\0"), TCLUNK + 1);
}

static void test_reset_ends_the_session(void **state)
{
    (void)state;
    assert_int_equal(ASK(TVERSION, VERSION), RVERSION);
    assert_int_equal(ASK(TATTACH, ATTACH), RATTACH);
    guest_common_write(20, 1, 0);
    guest_clear();
    assert_true(ninep_add(share, "share"));
    assert_true(guest_find());
    assert_int_equal(guest_start(1, 1), STARTED);
    assert_int_equal(ASK(TWALK, WALK_ITSELF), RLERROR);
}

static void stopped(void)
{
    uint32_t head, used;
    assert_false(guest_used(0, &head, &used));
    assert_int_equal(guest_common_read(20, 1) & 64, 64);
    assert_int_equal(guest_seen.reports, 1);
}

static void test_no_message_stops_the_device(void **state)
{
    (void)state;
    const struct guest_piece piece[] = {{REQUEST, 6, false}, {REPLY, 100, true}};
    guest_offer(0, 0, piece, 2);
    stopped();
}

static void test_message_with_a_wrong_size_stops_the_device(void **state)
{
    (void)state;
    const struct guest_piece piece[] = {{REQUEST, 20, false}, {REPLY, 100, true}};
    uint32_t size = 21;
    memcpy(guest_ram + REQUEST, &size, 4);
    guest_ram[REQUEST + 4] = TVERSION;
    guest_offer(0, 0, piece, 2);
    stopped();
}

static void test_message_longer_than_any_stops_the_device(void **state)
{
    (void)state;
    const struct guest_piece piece[] = {{REQUEST, 0x10001, false}, {REPLY, 100, true}};
    uint32_t size = 0x10001;
    memcpy(guest_ram + REQUEST, &size, 4);
    guest_ram[REQUEST + 4] = TVERSION;
    guest_offer(0, 0, piece, 2);
    stopped();
}

static void test_answer_without_room_stops_the_device(void **state)
{
    (void)state;
    assert_int_equal(ask(TVERSION, VERSION, sizeof VERSION - 1, 8), 0);
    stopped();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_tag_is_told),
        TEST(test_messages_are_answered),
        TEST(test_reset_ends_the_session),
        TEST(test_no_message_stops_the_device),
        TEST(test_message_with_a_wrong_size_stops_the_device),
        TEST(test_message_longer_than_any_stops_the_device),
        TEST(test_answer_without_room_stops_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
