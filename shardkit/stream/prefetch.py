"""Thread pool that fills batches a few ahead of the consumer, and yields them in order.

A batch is a job, and a job consists of parts that any thread may take. A thread that finds no part plans the next job,
one thread at a time, up to the limit of jobs. Only the consumer waits, for the next batch, and no thread holds a lock
while it works.
"""

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Made = TypeVar("Made")
Task = Callable[[], None]


@dataclass
class Job(Generic[Made]):
    """Parts to be done, in any order and at once; `finish` makes the result of them, on the thread that takes it."""

    parts: list[Task]
    finish: Callable[[], Made]
    left: int = field(init=False)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.left = len(self.parts)


class OrderedThreadPool(Generic[Made]):
    """`jobs` is drawn from on the crew's threads, by one at a time."""

    def __init__(self, jobs: Iterator[Job[Made]], *, threads: int, ahead: int) -> None:
        self._source, self._most, self._process = jobs, ahead, os.getpid()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._ready = threading.Condition(self._lock)
        self._jobs: deque[Job[Made]] = deque()
        self._parts: deque[tuple[Job[Made], Task]] = deque()
        self._planning = self._exhausted = self._closed = False
        # Daemons do not hold up an interpreter that leaves in the middle of an epoch; `close` is what ends them.
        names = (f"shardkit-stream-{number}" for number in range(threads))
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        atexit.register(self.close)
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[Made]:
        """The results, in the order of the jobs; an error comes in the place of the job that it befell."""
        while self._wait():
            yield self._take()

    def close(self) -> None:
        """End every thread; what was under way is dropped."""
        if self._process != os.getpid():  # a child has no threads of ours, but perhaps a lock that one of them held
            return
        with self._lock:
            self._closed = True
            self._parts.clear()
            self._work.notify_all()
            self._ready.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._jobs.clear()
        atexit.unregister(self.close)

    def _wait(self) -> bool:
        """Whether there is a next job, now done."""
        with self._lock:
            while not self._closed and not self._is_first_done() and not self._is_all():
                self._ready.wait()
            return bool(self._jobs) and not self._closed

    def _take(self) -> Made:
        with self._lock:
            job = self._jobs.popleft()
            self._work.notify()  # there is room for one more
        if job.error is not None:
            raise job.error
        return job.finish()

    def _is_first_done(self) -> bool:
        return bool(self._jobs) and not self._jobs[0].left

    def _is_all(self) -> bool:
        return self._exhausted and not self._jobs

    def _run(self) -> None:
        while (work := self._taken()) is not None:
            work()
            del work  # or a batch would be held by whoever waits for the next

    def _taken(self) -> Task | None:
        """What to do next; None is the end."""
        with self._lock:
            while not self._closed:
                if self._parts:
                    job, part = self._parts.popleft()
                    return lambda: self._do(job, part)
                if not self._planning and not self._exhausted and len(self._jobs) < self._most:
                    self._planning = True
                    return self._plan
                self._work.wait()
        return None

    def _plan(self) -> None:
        job: Job[Made] | None
        try:
            job = next(self._source, None)
        except BaseException as error:  # noqa: BLE001 - it is raised where the job is taken
            job = _failed(error)
        with self._lock:
            self._planning = False
            self._exhausted = job is None or job.error is not None
            if job is not None and not self._closed:
                self._jobs.append(job)
                self._parts.extend((job, part) for part in job.parts)
            self._work.notify_all()
            self._ready.notify_all()

    def _do(self, job: Job[Made], part: Task) -> None:
        try:
            part()
        except BaseException as error:  # noqa: BLE001 - it is raised where the job is taken
            job.error = job.error or error
        with self._lock:
            job.left -= 1
            if not job.left:
                self._ready.notify()


def _failed(error: BaseException) -> Job[Made]:
    def finish() -> Made:
        raise error

    job: Job[Made] = Job([], finish)
    job.error = error
    return job
