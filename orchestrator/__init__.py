"""ipclab: labs for inter-process communication, made of containers and judged by what the kernel saw."""
