# SPDX-License-Identifier: MIT
#
# Turns the sorted output of nm into the table of functions that panic.c prints backtraces with. The kernel is linked
# twice: first with the table made from nothing, then with that of the first link; text does not move in between.

BEGIN { n = 0 }

$2 ~ /^[tT]$/ && length($1) == 16 && substr($1, 1, 8) == "ffffffff" {
    address[n] = substr($1, 9)
    name[n++] = $3
}

END {
    print "    .section .symbols, \"a\""
    print "    .balign 8"
    print "    .globl x86_symbol_count, x86_symbols, x86_symbol_names"
    print "x86_symbol_count:"
    print "    .long " n ", 0"
    print "x86_symbols:"
    for (i = 0; i < n; i++)
        print "    .long 0x" address[i] ", n" i " - x86_symbol_names"
    print "x86_symbol_names:"
    for (i = 0; i < n; i++)
        print "n" i ": .asciz \"" name[i] "\""
    print "    .section .note.GNU-stack, \"\", @progbits"
}
