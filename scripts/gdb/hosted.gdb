# The hosted kernel, stopped at the first system call of the first process.
set pagination off
set confirm off
source scripts/gdb/atmos.py
tbreak kernel_syscall
run
echo Stopped at the first system call. atmos-threads, atmos-processes, atmos-containers, ...: help user-defined, help data\n
