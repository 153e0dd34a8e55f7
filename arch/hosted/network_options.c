/* SPDX-License-Identifier: MIT */
/* The network's part of the command line: text to struct network_options, nothing else. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "arch/hosted/network.h"

#define MILLISECOND 1000000u
#define DELAY_MAX 10000u /* ms */
#define PORT_LAST 65535u
#define PERCENT (WIRE_MILLION / 100)
#define PERCENT_MAX 100u

struct network_options network_options;

const char *network_option_name(int option)
{
    switch (option) {
    case NETWORK_OPTION_FORWARD:
        return "--forward";
    case NETWORK_OPTION_LOSS:
        return "--net-loss";
    case NETWORK_OPTION_DELAY:
        return "--net-delay";
    case NETWORK_OPTION_REORDER:
        return "--net-reorder";
    default:
        return "--net";
    }
}

/* A decimal number up to most. NULL: there is none at text; else where it ends. */
static const char *number_take(const char *text, uint32_t most, uint32_t *value)
{
    const char *at = text;

    *value = 0;
    while (isdigit((unsigned char)*at)) {
        *value = *value * 10 + (uint32_t)(*at++ - '0');
        if (*value > most) {
            return NULL;
        }
    }
    return at == text ? NULL : at;
}

/* "5%", "5" or "0.25%": of a million, up to all. */
static bool percent_take(const char *text, uint32_t *value)
{
    const char *at = number_take(text, PERCENT_MAX, value);
    uint32_t unit = PERCENT;

    if (at == NULL) {
        return false;
    }
    *value *= unit;
    if (*at == '.') {
        for (at++; isdigit((unsigned char)*at) && unit > 1; at++) {
            unit /= 10;
            *value += (uint32_t)(*at - '0') * unit;
        }
    }
    at += *at == '%';
    return *at == 0 && *value <= WIRE_MILLION;
}

/* HOSTADDR:PORT:GUESTPORT */
static bool forward_take(const char *text, struct network_forward *f)
{
    const char *colon = strchr(text, ':');
    char host[INET_ADDRSTRLEN];
    size_t bytes = colon == NULL ? sizeof host : (size_t)(colon - text);
    uint32_t port, guest;
    const char *at;

    if (bytes >= sizeof host) {
        return false;
    }
    memcpy(host, text, bytes);
    host[bytes] = 0;
    at = number_take(colon + 1, PORT_LAST, &port);
    at = at == NULL || *at != ':' ? NULL : number_take(at + 1, PORT_LAST, &guest);
    if (at == NULL || *at != 0 || port == 0 || guest == 0 ||
        inet_pton(AF_INET, host, &f->host) != 1) {
        return false;
    }
    f->port = (uint16_t)port;
    f->guest = (uint16_t)guest;
    return true;
}

static const char *forward_option(const char *text)
{
    if (network_options.forwards == NETWORK_FORWARDS_MAX) {
        return "there are 64 already, which is the most";
    }
    if (!forward_take(text, &network_options.forward[network_options.forwards])) {
        return "HOSTADDR:PORT:GUESTPORT is needed, such as 127.0.0.1:8080:80";
    }
    network_options.forwards++;
    return NULL;
}

static const char *delay_option(const char *text)
{
    uint32_t milliseconds;
    const char *end = number_take(text, DELAY_MAX, &milliseconds);

    if (end == NULL || (*end != 0 && strcmp(end, "ms") != 0)) {
        return "milliseconds from 0 to 10000 are needed";
    }
    network_options.faults.delay = (uint64_t)milliseconds * MILLISECOND;
    return NULL;
}

const char *network_option(int option, const char *text)
{
    static const char percent[] = "a percentage is needed, such as 5% or 0.5%";

    network_options.on = true; /* the others make no sense without */
    switch (option) {
    case NETWORK_OPTION_FORWARD:
        return forward_option(text);
    case NETWORK_OPTION_LOSS:
        return percent_take(text, &network_options.faults.loss) ? NULL : percent;
    case NETWORK_OPTION_DELAY:
        return delay_option(text);
    case NETWORK_OPTION_REORDER:
        return percent_take(text, &network_options.faults.reorder) ? NULL : percent;
    default:
        return NULL;
    }
}
