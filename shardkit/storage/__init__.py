"""Where bytes lie: the host and its disks, object stores."""
