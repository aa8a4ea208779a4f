# The standard system: pages are copied on the first write after a fork.
#
# service  program  priority  what it is given (see init/README.md)
mem   mem-cow  30
tty   tty      28   console system=interrupt device:uart=arm,pl011 notify:vfs_ready=vfs notify:proc_signal=proc
vfs   vfs      26   archive clock seed system=monitor tty=tty notify:file_signal=proc
ipc   ipc      24   clock vfs=vfs
proc  proc     22   grant clock seed slots=1280 system=power,monitor ipc=ipc vfs=vfs tty=tty
