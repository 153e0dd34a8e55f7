/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the shell share.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include <stddef.h>
#include <stdint.h>

#define SHELL_WORDS 32u
#define SHELL_TEXT 2048u
#define SHELL_DEPTH 8 /* scripts that run scripts */

/* One command: its words. Ends in NULL. */
struct command {
    char text[SHELL_TEXT];
    char *word[SHELL_WORDS + 1];
    size_t words;
    int background; /* 1: it ended in "&" */
};

struct shell {
    int status;      /* of the last command, 0..127: $? */
    int ending;      /* 1: exit was given */
    int interrupted; /* 1: ^C came: what is left of the line is not run */
    int interactive; /* 1: a person types */
    int background;  /* 1: programs are started and not waited for */
    int depth;       /* scripts being run */
    uint64_t events; /* endpoint: deaths of programs, ^C */
    uint64_t system; /* handle to the whole system's container; 0: none */
    uint64_t own;    /* handle to the shell's container */
};
extern struct shell shell;

/* parse.c: takes the next command out of *text, which it moves on; words are unquoted, $? and $NAME
   replaced. 1: there is one (words may be 0); 0: at the end; -1: an error, *wrong says what, and
   the line is skipped. */
int command_parse(const char **text, const char *end, struct command *command, const char **wrong);

/* main.c: runs all commands of a text; gives the status of the last. */
int shell_run(const char *text, size_t bytes);
/* Runs one command that has words. */
int command_run(size_t words, char **word);

/* commands.c: a built-in command; NULL: there is none of this name. */
typedef int builtin(size_t words, char **word);
builtin *builtin_find(const char *name);
const char *builtin_name(size_t n); /* of the n-th; NULL behind the last */
int shell_usage(const char *text);  /* says how a command is used; gives the status for that */

/* run.c: 1 if ^C came while a built-in command runs; the rest of the line is not run then. */
int shell_interrupted(void);
void shell_watch_end(void); /* the command has ended: ^C is a key again */

/* files.c, copy.c, edit.c */
builtin command_ls, command_cat, command_hexdump, command_cd, command_pwd, command_mount;
builtin command_umount, command_df, command_sync, command_cp, command_mv, command_rm;
builtin command_mkdir, command_edit;

/* complete.c: completes the word that ends at the cursor; what to insert there goes to add. Gives
   the number of ways there are to go on, and shows them when show is set and they are several. */
size_t complete(const char *text, size_t cursor, char *add, size_t room, int show);

/* run.c */
struct run_record {
    int valid;         /* 1: a program ran since this was cleared */
    uint64_t syscalls; /* of all its threads */
    uint64_t ticks;
};
extern struct run_record run_record;
/* Runs a program or a script by name: word[0] and its arguments, with so many pages of memory. */
int file_run(size_t words, char **word, uint64_t quota);
#define RUN_QUOTA 2048u
/* Says which programs in the background have ended. */
void jobs_reap(void);
int command_wait(size_t words, char **word);

/* tree.c */
int command_ps(size_t words, char **word);
int command_mem(size_t words, char **word);
int command_top(size_t words, char **word);
int command_kill(size_t words, char **word);

/* line.c: reads a line as a person edits it; its length, or -1 at the end of input. */
int line_edit(const char *prompt, char *line, size_t bytes);

#endif
