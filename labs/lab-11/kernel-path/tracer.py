#!/usr/bin/python3 -I
"""Traces the calls by which a process sends, and those that set a socket's options: tracer.py PID."""

import os
import sys

CALLS = "trace=write,writev,pwrite64,sendto,sendmsg,sendmmsg,sendfile,splice,setsockopt"
os.execv("/usr/bin/strace", ["strace", "-f", "-s", "0", "-e", "signal=none", "-e", CALLS, "-p", sys.argv[1]])
