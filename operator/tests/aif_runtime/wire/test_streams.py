"""Streams that were abandoned do not hold up what comes after."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[3]

ABANDONED = """
import asyncio, gc, time
from aif_runtime.wire.streams import Listener, Pipe, channel, dial

gc.disable()  # so that what is abandoned is freed where this program says, as it would be anywhere

async def main():
    async def flood(pipe, context):
        while True:
            await pipe.send(b"x")
    listener = Listener("127.0.0.1:0", None, 1000)
    listener.add({"Flood": flood})
    await listener.start()
    link = channel(f"127.0.0.1:{listener.port}", None)
    pipes = [Pipe(dial(link, "Flood"), 1000) for _ in range(50)]
    for pipe in pipes:
        await pipe.receive()
    cycle = [listener, link, pipes]
    cycle.append(cycle)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
time.sleep(1)  # meanwhile gRPC has more to say than its way to the loop can hold
for task in asyncio.all_tasks(loop):
    task.cancel()
del task
loop.close()
gc.collect()
print("went on", flush=True)
"""


def test_abandoned_streams_do_not_hold_up_the_garbage_collector() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ABANDONED],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr[-2000:]
