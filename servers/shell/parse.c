/* SPDX-License-Identifier: MIT */
/*
 * The language: commands end at ";" or a new line. Words are parted by blanks. '...' keeps all as
 * it is, "..." all but $ and \; \ keeps one character; # at the beginning of a word starts a
 * comment. A word that is just "&" ends a command that is not waited for. $? is the last status, $NAME a variable of the environment.
 */
#include "shell.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scanner {
    const char *at, *end;
    struct command *command;
    size_t used;       /* bytes of command->text */
    int in_word;       /* 1: a word has begun (it may be empty, as in "") */
    const char *wrong; /* NULL: no error yet */
};

static void put(struct scanner *s, char c)
{
    struct command *command = s->command;
    if (!s->in_word) {
        if (command->words == SHELL_WORDS) {
            s->wrong = "too many words";
            return;
        }
        s->in_word = 1;
        command->word[command->words++] = command->text + s->used;
    }
    if (s->used + 1 >= SHELL_TEXT)
        s->wrong = "the command is too long";
    else if (c != 0)
        command->text[s->used++] = c;
}

static void word_end(struct scanner *s)
{
    if (s->in_word)
        s->command->text[s->used++] = 0;
    s->in_word = 0;
}

static void put_text(struct scanner *s, const char *text)
{
    for (; *text != 0; text++)
        put(s, *text);
}

/* At a "$": puts what it stands for. */
static void put_variable(struct scanner *s)
{
    char name[32];
    size_t n = 0;
    s->at++;
    if (s->at < s->end && *s->at == '?') {
        s->at++;
        snprintf(name, sizeof name, "%d", shell.status);
        put_text(s, name);
        return;
    }
    while (s->at < s->end && (isalnum(*s->at) || *s->at == '_') && n < sizeof name - 1)
        name[n++] = *s->at++;
    name[n] = 0;
    if (n == 0)
        put(s, '$');
    const char *value = getenv(name);
    if (n > 0 && value != NULL)
        put_text(s, value);
}

static void put_quoted(struct scanner *s, char quote)
{
    put(s, 0);
    s->at++;
    while (s->at < s->end && *s->at != quote) {
        if (quote == '"' && *s->at == '$') {
            put_variable(s);
            continue;
        }
        if (quote == '"' && *s->at == '\\' && s->at + 1 < s->end)
            s->at++;
        put(s, *s->at++);
    }
    if (s->at == s->end)
        s->wrong = "a quote is not closed";
    else
        s->at++;
}

static void line_skip(struct scanner *s)
{
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

/* 1 at an "&" that stands alone. */
static int is_background(const struct scanner *s)
{
    const char *next = s->at + 1;
    return *s->at == '&' && !s->in_word && s->command->words > 0 &&
           (next == s->end || isspace(*next) || *next == ';');
}

/* Takes what lies at s->at; 0 at the end of the command. */
static int scan_step(struct scanner *s)
{
    char c = *s->at;
    if (c == ';' || c == '\n') {
        s->at++;
        return 0;
    }
    if (is_background(s)) {
        s->at++;
        s->command->background = 1;
        return 0;
    }
    if (c == '#' && !s->in_word) {
        line_skip(s);
    } else if (isspace(c)) {
        word_end(s);
        s->at++;
    } else if (c == '\'' || c == '"') {
        put_quoted(s, c);
    } else if (c == '$') {
        put_variable(s);
    } else {
        if (c == '\\' && s->at + 1 < s->end)
            s->at++;
        put(s, *s->at++);
    }
    return s->wrong == NULL;
}

int command_parse(const char **text, const char *end, struct command *command, const char **wrong)
{
    struct scanner s = {*text, end, command, 0, 0, NULL};
    command->words = 0;
    command->background = 0;
    if (s.at == end)
        return 0;
    while (s.at < end && scan_step(&s))
        ;
    if (s.wrong == NULL && s.used < SHELL_TEXT)
        word_end(&s);
    command->word[command->words] = NULL;
    if (s.wrong != NULL) {
        line_skip(&s);
        *wrong = s.wrong;
    }
    *text = s.at;
    return s.wrong != NULL ? -1 : 1;
}
