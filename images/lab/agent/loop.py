"""The event loop: waits for descriptors, timers and signals at once, in one thread, and calls whoever watches them.

What is done on an event does not belong here. Nothing that is called from here may block.
"""

from __future__ import annotations

import heapq
import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READABLE = select.EPOLLIN
WRITABLE = select.EPOLLOUT
FEW_CANCELLED = 64
SOON_S = 0.1
"""When a timer is due later than this, a millisecond does not matter."""
LONGEST_S = 86_400.0
"""epoll_wait(2) can't wait for more than 24 days."""


class Timer:
    """A call that is due at a time; `cancel` calls it off."""

    __slots__ = ("call", "due")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        """Remember when to call what."""
        self.due = due
        self.call: Callable[[], None] | None = call

    def __lt__(self, other: Timer) -> bool:
        """Whether it is due earlier."""
        return self.due < other.due

    def cancel(self) -> None:
        """Never make the call, and let go of whatever it would have used."""
        self.call = None


class Loop:
    """Calls back when something is ready or due, until it is stopped."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._epoll = select.epoll()
        self._watchers: dict[int, Callable[[], None]] = {}
        self._timers: list[Timer] = []
        self._stopped = False

    def watch(self, fd: int, events: int, call: Callable[[], None]) -> None:
        """Call when `fd` is ready (or broken). Raises PermissionError for a file that has no readiness."""
        self._epoll.register(fd, events)
        self._watchers[fd] = call

    def unwatch(self, fd: int) -> None:
        """Call no more for `fd`, which must be watched and still open."""
        self._epoll.unregister(fd)
        del self._watchers[fd]

    def after(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call once, when `delay_s` have passed."""
        timer = Timer(time.monotonic() + delay_s, call)
        if len(self._timers) > FEW_CANCELLED:
            self._forget_cancelled()
        heapq.heappush(self._timers, timer)
        return timer

    def on_signals(self, calls: dict[signal.Signals, Callable[[], None]]) -> None:
        """Make a signal's call, in turn with everything else, after the signal came once or more."""
        readable, writable = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        for number in calls:
            signal.signal(number, lambda _number, _frame: None)

        def take() -> None:
            came = set(os.read(readable, 4096))
            for number, call in calls.items():
                if number in came:
                    call()

        self.watch(readable, READABLE, take)

    def run(self) -> None:
        """Go on until `stop`."""
        self._stopped = False
        while not self._stopped:
            self._step()

    def stop(self) -> None:
        """End `run` once the present call is over."""
        self._stopped = True

    def _step(self) -> None:
        """Wait until something is ready or due, and make the calls."""
        for fd, _events in self._ready():
            watcher = self._watchers.get(fd)  # an earlier call of this round may have ended the watch
            if watcher is not None:
                watcher()
        if self._timers:
            self._call_due()

    def _ready(self) -> list[tuple[int, int]]:
        """What is ready, as soon as anything is; nothing when a timer is due or a day has passed."""
        left_s = self._until_next_s()
        if left_s is None or left_s > SOON_S:
            return self._epoll.poll(min(left_s or LONGEST_S, LONGEST_S))
        # epoll_wait(2) counts in milliseconds and select(2) in microseconds; an epoll descriptor can be selected.
        select.select([self._epoll], [], [], left_s)
        return self._epoll.poll(0)

    def _until_next_s(self) -> float | None:
        """How long until the next timer is due; None without one."""
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0].due - time.monotonic()) if self._timers else None

    def _call_due(self) -> None:
        """Make the calls whose time has come; what they add is for the next round."""
        now = time.monotonic()
        due = []
        while self._timers and self._timers[0].due <= now:
            due.append(heapq.heappop(self._timers))
        for timer in due:
            if timer.call is not None:
                timer.call()

    def _forget_cancelled(self) -> None:
        """Keep cancelled timers, which stay in the heap until they are due, from piling up."""
        live = [timer for timer in self._timers if timer.call is not None]
        if len(live) < len(self._timers) // 2:
            self._timers = live
            heapq.heapify(self._timers)
