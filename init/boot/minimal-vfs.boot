# As cow.boot, but the file server only reads the boot archive: no pipes, no /tmp, no /proc.
#
# service  program     priority  what it is given (see init/README.md)
mem   mem-cow     30
tty   tty         28   console system=interrupt device:uart=arm,pl011 notify:vfs_ready=vfs notify:proc_signal=proc
vfs   vfs-minimal 26   archive tty=tty claims=base,read-only,devices
ipc   ipc         24   clock vfs=vfs
proc  proc        22   grant clock seed slots=1280 system=power,monitor ipc=ipc vfs=vfs tty=tty
