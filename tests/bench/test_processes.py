"""What a process uses, as /proc says."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.bench import processes


def test_a_family_is_a_process_and_all_below_it() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()  # the child is there
        family = processes._family(parent.pid, processes._children())
        assert len(family) == 2
        assert family[0] == parent.pid
        parent.communicate(b"\n")
    assert processes.processor_seconds(parent.pid) == 0.0
    assert processes._memory(parent.pid) == processes.Memory(0.0, 0.0)


def test_a_process_has_memory_and_processor_time() -> None:
    before = processes.processor_seconds(os.getpid())
    while processes.processor_seconds(os.getpid()) == before:
        pass  # work until a tick of the kernel's clock has been counted
    own = processes._memory(os.getpid())
    assert own.resident >= own.proportional > 1
    assert processes._machine_busy_seconds() > 0


def test_what_was_used_in_between() -> None:
    earlier = processes.Usage({"gateway": 5.0}, 100.0)
    later = processes.Usage({"gateway": 7.5, "relay": 1.0}, 110.0)
    assert later.since(earlier) == processes.Usage({"gateway": 2.5, "relay": 1.0}, 10.0)
