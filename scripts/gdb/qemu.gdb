# The x86-64 kernel in QEMU, stopped at the first system call of the first process.
set pagination off
set confirm off
source scripts/gdb/atmos.py
hbreak kernel_syscall
continue
delete
echo Stopped at the first system call. Commands: atmos-threads, atmos-processes, atmos-containers, atmos-tables, ...\n
