/* SPDX-License-Identifier: MIT */
/* Addresses, errors and states of sockets as text, and addresses from text. */
#include "lib/error.h"
#include "lib/socket.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS 8

const char *socket_error_text(int64_t status)
{
    static const char *const texts[] = {
#define SOCKET_ERROR_TEXT(name, text) text,
        SOCKET_ERRORS(SOCKET_ERROR_TEXT)
#undef SOCKET_ERROR_TEXT
    };
    uint64_t number = (uint64_t)(status < 0 ? -status : status);
    if (number > SOCKET_ERROR_FIRST && number < SOCKET_ERROR_LAST)
        return texts[number - SOCKET_ERROR_FIRST - 1];
    return atm_error_text(status);
}

const char *net_state_name(uint32_t state)
{
    static const char *const names[] = {
#define NET_STATE_NAME(name, text) text,
        NET_STATES(NET_STATE_NAME)
#undef NET_STATE_NAME
    };
    return state < NET_STATE_LAST ? names[state] : "unknown";
}

static uint32_t group(const struct socket_address *a, int i)
{
    return (uint32_t)a->ip[2 * i] << 8 | a->ip[2 * i + 1];
}

/* The longest run of at least two zero groups: its beginning, -1: none. */
static int zeros_find(const struct socket_address *a, int *length)
{
    int best = -1;
    *length = 1;
    for (int i = 0; i < GROUPS; i++) {
        int n = 0;
        while (i + n < GROUPS && group(a, i + n) == 0)
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

static size_t ip6_text(const struct socket_address *a, char *to, size_t room)
{
    int length;
    int zeros = zeros_find(a, &length);
    size_t at = 0;
    for (int i = 0; i < GROUPS; i++) {
        if (i == zeros) {
            at += (size_t)snprintf(to + at, room - at, "::");
            i += length - 1;
            continue;
        }
        const char *colon = i == 0 || i == zeros + length ? "" : ":";
        if (zeros < 0 && i > 0)
            colon = ":";
        at += (size_t)snprintf(to + at, room - at, "%s%x", colon, group(a, i));
    }
    return at;
}

const char *socket_address_text(const struct socket_address *a, int with_port,
                                char to[SOCKET_ADDRESS_TEXT])
{
    size_t at = 0;
    if (a->family == SOCKET_IPV6) {
        if (with_port)
            to[at++] = '[';
        at += ip6_text(a, to + at, SOCKET_ADDRESS_TEXT - at);
        if (with_port)
            to[at++] = ']';
    } else if (a->family == SOCKET_IPV4) {
        at = (size_t)snprintf(to, SOCKET_ADDRESS_TEXT, "%u.%u.%u.%u", a->ip[0], a->ip[1], a->ip[2],
                              a->ip[3]);
    } else {
        to[at++] = '*';
    }
    to[at] = 0;
    if (with_port && a->port != 0)
        snprintf(to + at, SOCKET_ADDRESS_TEXT - at, ":%u", a->port);
    else if (with_port)
        snprintf(to + at, SOCKET_ADDRESS_TEXT - at, ":*");
    return to;
}

/* Decimal digits, at most 255; the text moves behind them. -1: no number. */
static int byte_read(const char **text)
{
    int value = 0, digits = 0;
    for (; **text >= '0' && **text <= '9' && digits < 4; (*text)++, digits++)
        value = value * 10 + (**text - '0');
    return digits > 0 && digits < 4 && value < 256 ? value : -1;
}

static int ip4_read(const char *text, uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        int byte = byte_read(&text);
        if (byte < 0 || *text != (i < 3 ? '.' : 0))
            return 0;
        ip[i] = (uint8_t)byte;
        text++;
    }
    return 1;
}

static int hex_read(const char **text)
{
    int value = 0, digits = 0;
    for (;; (*text)++, digits++) {
        char c = **text;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return digits > 0 ? value : -1;
        if (digits == 4)
            return -1;
        value = value * 16 + digit;
    }
}

static int ip6_read(const char *text, uint8_t ip[16])
{
    uint8_t out[16] = {0};
    int count = 0, gap = -1;
    if (text[0] == ':' && text[1] != ':')
        return 0;
    while (*text != 0) {
        if (text[0] == ':' && text[1] == ':') {
            if (gap >= 0)
                return 0;
            gap = count;
            text += 2;
            continue;
        }
        if (*text == ':' && (count == 0 || *++text == 0))
            return 0;
        int value = hex_read(&text);
        if (value < 0 || count == GROUPS || (*text != 0 && *text != ':'))
            return 0;
        out[2 * count] = (uint8_t)(value >> 8);
        out[2 * count++ + 1] = (uint8_t)value;
    }
    if (gap < 0 ? count != GROUPS : count == GROUPS)
        return 0;
    memset(ip, 0, 16);
    int head = gap < 0 ? count : gap;
    memcpy(ip, out, 2 * (size_t)head);
    memcpy(ip + 16 - 2 * (count - head), out + 2 * head, 2 * (size_t)(count - head));
    return 1;
}

int socket_address_read(const char *text, struct socket_address *a)
{
    struct socket_address read = {0};
    if (ip4_read(text, read.ip))
        read.family = SOCKET_IPV4;
    else if (ip6_read(text, read.ip))
        read.family = SOCKET_IPV6;
    else
        return 0;
    *a = read;
    return 1;
}
