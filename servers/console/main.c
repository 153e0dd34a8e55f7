/* SPDX-License-Identifier: MIT */
/*
 * The console: the serial line, shared by all programs. Requests are in lib/console.h.
 *
 * Output is written as it is: a line ends in "\n" alone, so that what a program prints is the same
 * bytes everywhere; turning that into "\r\n" is the terminal's business (QEMU's and the hosted
 * build's both do). A client that begins to write while another has left a line unfinished starts
 * on a new line, so lines of two clients never mix.
 *
 * What the system's programs write, and what comes marked as a report, is kept, the newest of it, to
 * be read again. The kernel writes its own lines to the port itself: they are not among these.
 *
 * Input goes to the reader that waits longest. ^C is not input: it goes as an event to whoever
 * watches for it, else it is read like any key.
 */
#include "input.h"
#include "lib/console.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include "log.h"
#include "uart.h"
#include <string.h>

#define EVENT_UART 1u
#define READERS_MAX 16u
#define SYSTEM_BADGES 1000u /* below: programs of the manifest, as init marks them */

/* A call that waits for input. */
struct reader {
    uint64_t reply; /* handle */
    uint64_t bytes; /* at most */
    int line;       /* 1: CONSOLE_LINE */
};

static struct input input;
static struct reader reader[READERS_MAX]; /* the longest waiting first */
static size_t readers;
static struct log reports;
static uint64_t watcher;    /* endpoint that hears of ^C; 0: none */
static int interrupt_waits; /* 1: an interrupt came and was not acknowledged */
static int line_open;       /* 1: the terminal's cursor is not at the beginning of a line */
static uint64_t line_badge; /* who wrote the unfinished line */

static void terminal_write(uint64_t badge, const char *text, size_t bytes)
{
    if (bytes == 0)
        return;
    if (line_open && badge != line_badge)
        uart_write("\n", 1);
    uart_write(text, bytes);
    line_open = text[bytes - 1] != '\n';
    line_badge = badge;
}

static void readers_remove_first(void)
{
    readers--;
    memmove(&reader[0], &reader[1], readers * sizeof reader[0]);
}

/* Text for the reader that waits longest; 0 bytes: not yet, unless *end. */
static size_t input_for_reader(char *text, int *end)
{
    static char echo[ECHO_BYTES];
    size_t echo_bytes, bytes;
    *end = 0;
    if (!reader[0].line) {
        uint64_t most = reader[0].bytes < CONSOLE_TEXT_MAX ? reader[0].bytes : CONSOLE_TEXT_MAX;
        return input_take(&input, text, most);
    }
    int done = input_line(&input, echo, &echo_bytes);
    terminal_write(line_badge, echo, echo_bytes);
    if (!done)
        return 0;
    bytes = input.line_bytes;
    memcpy(text, input.line, bytes);
    input.line_bytes = 0;
    *end = bytes == 0;
    return bytes;
}

/* Hands input to those who wait for it. */
static void input_deliver(void)
{
    char text[CONSOLE_TEXT_MAX];
    int end;
    while (readers > 0 && input.count > 0) {
        size_t bytes = input_for_reader(text, &end);
        if (bytes == 0 && !end)
            return;
        uint64_t w[REGISTER_WORDS];
        uint64_t words = message_put(w, text, bytes);
        w[0] = bytes;
        struct atm_result r = atm_reply(reader[0].reply, TAG(0, words, 0), w[0], w[1], w[2], w[3]);
        if (r.status < 0) { /* it died or gave up: the next one gets the text */
            atm_handle_close(reader[0].reply);
            input_untake(&input, text, bytes);
        }
        readers_remove_first();
    }
}

/* Tells the watcher of a ^C, which throws away what was typed before; 0: there is no watcher. */
static int interrupt_tell(void)
{
    if (watcher == 0)
        return 0;
    input_clear(&input);
    if (atm_signal(watcher, CONSOLE_INTERRUPT).status == 0)
        return 1;
    atm_handle_close(watcher);
    watcher = 0;
    return 0;
}

static void key_arrived(char key)
{
    if (key != KEY_INTERRUPT || !interrupt_tell())
        input_add(&input, key);
}

/* Takes what has arrived, as far as there is room; the rest waits in the port. 1: there was room
   for all. */
static int input_poll(void)
{
    char keys[64];
    for (;;) {
        size_t room = input_room(&input);
        size_t n = uart_read(keys, room < sizeof keys ? room : sizeof keys);
        for (size_t i = 0; i < n; i++)
            key_arrived(keys[i]);
        if (n == 0)
            return room > 0;
    }
}

/* Hands on what has arrived; lets the interrupt come again once nothing is left in the port. */
static void input_serve(void)
{
    int all = input_poll();
    input_deliver();
    if (!all || !interrupt_waits)
        return;
    uart_acknowledge();
    interrupt_waits = 0;
    /* What came between the last look and the acknowledgement raised no interrupt. */
    input_poll();
    input_deliver();
}

static void event(uint64_t bits)
{
    if ((bits & EVENT_UART) != 0) {
        interrupt_waits = 1;
        input_serve();
    }
}

/* What programs of the manifest write is kept: they are not run by a person who reads it. The shell,
   and what it runs, have no such mark. */
static uint64_t request_write(struct message *m)
{
    char text[CONSOLE_TEXT_MAX];
    size_t bytes = m->w[0] < CONSOLE_TEXT_MAX ? (size_t)m->w[0] : CONSOLE_TEXT_MAX;
    bytes = message_get(m, text, bytes);
    if (TAG_LABEL(m->tag) == CONSOLE_LOG || (m->badge != 0 && m->badge < SYSTEM_BADGES))
        log_put(&reports, atm_clock().r[0], text, bytes);
    terminal_write(m->badge, text, bytes);
    return TAG(0, 0, 0);
}

static uint64_t request_read(struct message *m, int line)
{
    uint64_t reply = m->w[0] > 0 && readers < READERS_MAX ? server_save() : 0;
    if (reply == 0) {
        m->w[0] = 0;
        return TAG(0, 1, 0);
    }
    reader[readers++] = (struct reader){reply, m->w[0], line};
    input_serve();
    return SERVER_LATER;
}

static uint64_t request_log(struct message *m)
{
    struct {
        uint64_t next;
        char text[CONSOLE_TEXT_MAX - 8];
    } answer = {.next = m->w[0]};
    size_t bytes = log_get(&reports, &answer.next, answer.text, sizeof answer.text);
    uint64_t words = message_put(m->w, &answer, 8 + bytes);
    m->w[0] = bytes;
    return TAG(0, words, 0);
}

static uint64_t request_watch(const struct message *m)
{
    const struct atm_item *item = &atm_message()->item[0];
    uint64_t items = TAG_ITEMS(m->tag);
    if (items > 1 || (items == 1 && item->kind != ITEM_HANDLE))
        return TAG(ERR_MESSAGE, 0, 0);
    if (watcher != 0)
        atm_handle_close(watcher);
    watcher = items == 1 ? item->value : 0;
    if (input_holds(&input, KEY_INTERRUPT)) /* typed before the program got so far */
        (void)interrupt_tell();
    return TAG(0, 0, 0);
}

static uint64_t request(struct message *m)
{
    switch (TAG_LABEL(m->tag)) {
    case CONSOLE_WRITE:
    case CONSOLE_LOG:
        return request_write(m);
    case CONSOLE_READ:
        return request_read(m, 0);
    case CONSOLE_LINE:
        return request_read(m, 1);
    case CONSOLE_LOG_READ:
        return request_log(m);
    case CONSOLE_WATCH:
        return request_watch(m);
    default:
        return TAG(ERR_CALL, 0, 0);
    }
}

int main(void)
{
    struct server server = {.endpoint = startup_handle("serve"), .message = request, .event = event};
    int64_t status = uart_start(server.endpoint, EVENT_UART);
    if (status != 0)
        return 1;
    input_serve();
    server_run(&server);
    return 1;
}
