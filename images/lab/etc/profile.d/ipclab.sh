# For each shell of a student, login or not: /etc/bash.bashrc reads this file too.

# What one program of a host makes, another program's user of the same group can open: mode 0660.
umask 0007

# `alpha/left` is container left of host alpha. The engine sets IPCLAB_CONTAINER; without it the host's name is known.
PS1='\u@${IPCLAB_CONTAINER:-\h}:\w\$ '

# The root file system is read-only, /tmp is not.
HISTFILE=/tmp/.bash_history
export LESSHISTFILE=-
