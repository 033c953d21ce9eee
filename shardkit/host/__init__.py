"""Facts about the machine and the disk under a dataset, and the advice of `shardkit doctor`.

cgroups, mounts ──> facts ──> disk_checks │ machine_checks ──> doctor ──> findings

cgroups      limits of the control groups            disk_checks     file system, free space, read-ahead
mounts       mount and block device of a path        machine_checks  open files, cores, memory
facts        everything known before a check         doctor          place of a path, trials, all checks
findings     severity and text of one finding        resources       memory and cores, for the stream
"""
