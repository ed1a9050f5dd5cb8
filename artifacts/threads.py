"""A thread of its own for what blocks for long, so that the record's short reads and writes always find one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


async def in_own_thread[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread` for work that may take more than a moment: a notebook, a large file, a second of computing.

    `asyncio.to_thread` has a handful of threads for the whole process, and every read of the record needs one. A thread
    that is made for one piece of work takes none of them away. Who calls this bounds how many there are at once.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="gristmill-long")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: work(*args, **kwargs))
    finally:
        executor.shutdown(wait=False)
