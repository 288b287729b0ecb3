#!/usr/bin/python3 -I
"""Traces calls of a process: tracer.py PID [CALLS]. Without CALLS, those that send and those that set options."""

import os
import sys

SENDING = "write,writev,pwrite64,sendto,sendmsg,sendmmsg,sendfile,splice,setsockopt"
pid, calls = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else SENDING
os.execv("/usr/bin/strace", ["strace", "-f", "-s", "0", "-e", "signal=none", "-e", f"trace={calls}", "-p", pid])
