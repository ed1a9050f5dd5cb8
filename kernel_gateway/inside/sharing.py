"""Keeps what a process has loaded in pages that its forks go on sharing with it.

A fork copies a page when it first writes to it, and Python writes to every object that it looks at: the count of its
references, and now and then the collector's marks. Both can be avoided for what is there before the fork, and that what
the fork makes itself lies between it.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import sysconfig
from collections.abc import Iterator
from itertools import compress, filterfalse
from types import CodeType
from typing import Any

_LARGE = 2 << 20
_MADV_COLLAPSE = 25
# Of CPython's own allocator (Objects/obmalloc.c): the length of a pool of blocks of one size, and of its head; the
# sizes that bytes can have of it. Larger ones are the C library's.
_POOL, _POOL_HEAD = 16 << 10, 48
_SIZES = range(48, 513, 16)
_LARGER = [1 << shift for shift in range(16, 8, -1)]
_MOST_FILLINGS, _MOST_GAPS = 1 << 17, 64 << 20  # objects, bytes: far more than there are gaps
_fillings: list[bytes] = []


def share() -> None:
    """Keep the collector from everything that is there by now, and have most of it never counted nor freed.

    Costs 0.4 s. Forks then copy a third as much, and are made in half the time. Nothing is collected before: of what
    imports leave, hardly anything is garbage, and to look for it would take half as long again.
    """
    if "numpy" in sys.modules and _counts_as_known():
        _immortalise()
        _fill_gaps()
        _take_large_pages()
    gc.freeze()


def _counts_as_known() -> bool:
    """Whether the interpreter leaves an object alone whose count is the one that None has (PEP 683)."""
    known = sys.implementation.name == "cpython" and (3, 12) <= sys.version_info[:2] <= (3, 13)
    return known and not sysconfig.get_config_var("Py_GIL_DISABLED")


def _immortalise() -> None:
    """Give every object that the collector knows, and all that these refer to, the count of an immortal one."""
    import numpy

    objects: list[Any] = gc.get_objects()
    found = gc.get_referents(*objects)
    while found:  # what it does not know as it refers to nothing that could be garbage
        objects += found
        found = gc.get_referents(*filterfalse(gc.is_tracked, _of_type(found, dict, tuple)))
    objects += _parts_of_code(objects)
    held = numpy.fromiter(objects, object, len(objects))  # an array of where they are: two million ids would take long
    places = numpy.frombuffer((ctypes.c_char * held.nbytes).from_address(held.ctypes.data), numpy.uint64)
    first, last = int(places.min()), int(places.max())
    memory = (ctypes.c_char * (last - first + 8)).from_address(first)  # a view: only where an object is will be written
    counts = numpy.frombuffer(memory, numpy.uint64)
    counts[(places - numpy.uint64(first)) // numpy.uint64(8)] = ctypes.c_uint64.from_address(id(None)).value


def _fill_gaps() -> None:
    """Take what is free between all that is there, for good, so that what a fork makes lies together in new places.

    Else each small object that it makes may cost it a copy of a page that happens to have room for one.
    """
    for size in _SIZES:
        length, run, last = size - sys.getsizeof(b""), 0, 0
        while run < (_POOL - _POOL_HEAD) // size and len(_fillings) < _MOST_FILLINGS:  # until a whole pool was new
            _fillings.append(bytes(length))
            place = id(_fillings[-1])
            run = 1 if place % _POOL == _POOL_HEAD else run + 1 if run and place == last + size else 0
            last = place
    libc = ctypes.CDLL(None)
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_size_t
    end, left = libc.sbrk(ctypes.c_ssize_t(0)), _MOST_GAPS
    for size in _LARGER:
        while left > 0:
            if (place := libc.malloc(ctypes.c_size_t(size))) >= end:
                libc.free(ctypes.c_size_t(place))
                break
            left -= size


def _take_large_pages() -> None:
    """Have what we hold in memory lie in pages of 2 MiB, whose table a fork copies sooner; see madvise(2).

    Once a fork writes to one, it has 4 KiB of its own as ever. Where the kernel cannot (before 6.1), nothing changes.
    """
    libc = ctypes.CDLL(None)
    with open("/proc/self/maps") as file:
        for words in map(str.split, file):
            if words[1] == "rw-p" and words[5:] in ([], ["[heap]"]):
                first, last = (int(word, 16) for word in words[0].split("-"))
                first, last = -(-first // _LARGE) * _LARGE, last // _LARGE * _LARGE
                if last > first:
                    libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_COLLAPSE)


def _parts_of_code(objects: list[Any]) -> list[Any]:
    """What code objects refer to, of which the collector knows nothing."""
    parts: list[Any] = []
    waiting = list(_of_type(objects, CodeType))
    seen: set[int] = set()
    while waiting:
        code = waiting.pop()
        if id(code) in seen:
            continue
        seen.add(id(code))
        parts += [code, code.co_consts, code.co_names, code.co_name, code.co_qualname, code.co_filename]
        parts += [code.co_linetable, code.co_exceptiontable, *code.co_names, *code.co_consts]
        parts += [inner for outer in code.co_consts if type(outer) is tuple for inner in outer]
        waiting += [one for one in code.co_consts if type(one) is CodeType]
    return parts


def _of_type(objects: list[Any], *types: type) -> Iterator[Any]:
    """Those of a million objects that are of one of these types and no other: a loop in Python takes thrice as long."""
    return compress(objects, map(frozenset(types).__contains__, map(type, objects)))
