"""Rows of `bench_learning.py` about proxy re-encryption; left out where its backend is not installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Final

from learning_peers import Row, Secured, over_a_stream
from learning_processes import processes
from tests.aif_runtime.jobs import a_job
from tests.aif_runtime.twolevel.parts import Parts
from tests.aif_runtime.twolevel.test_reencryption import captured

from aif_runtime.learning.data import Split, digits
from aif_runtime.learning.errors import LearningError
from aif_runtime.learning.learner import Plan
from aif_runtime.wire.keyring import KeyRing, Unwrapping, Wrapping, backend
from aif_runtime.wire.pre import KeyPair, PreBackend, Proxy, Reencryption
from aif_runtime.wire.sealed import Direction, Opener, Sealer, reencrypted

MODES: Final = (Reencryption.PER_SESSION, Reencryption.PER_MESSAGE)
CUTS: Final = {"a": "fc1", "b": "relu2"}
INSTALLED: Final = find_spec("umbral_pre") is not None
TURNS: Final = 5
MOST_MORE_S: Final = {Reencryption.PER_SESSION: 0.003, Reencryption.PER_MESSAGE: 0.02}
LEFT_OUT: Final = "left out: umbral-pre is not installed"


def where_installed(name: str, goal: str, measure: Callable[[], tuple[str, bool]]) -> list[Row]:
    """Return a row, which says so where the backend is not installed."""
    if not INSTALLED:
        return [Row(name, goal, LEFT_OUT, met=None)]
    said, met = measure()
    return [Row(name, goal, said, met)]


def loaded() -> PreBackend:
    """Return the backend."""
    found = backend(Reencryption.PER_SESSION)
    if found is None:
        raise RuntimeError(LEFT_OUT)
    return found


def secured(mode: Reencryption) -> Secured:
    """Return keys for both ends of a stream, and what the forwarding plane has."""
    found = loaded()
    up, down, signing, client, server = (found.keypair() for _ in range(5))
    public = signing.public

    def proxy(delegating: KeyPair, receiving: bytes) -> Proxy:
        return found.proxy(found.grant(delegating, receiving, signing), public, delegating.public, receiving)

    return Secured(
        KeyRing(found, mode, client, up.public, down.public, public),
        KeyRing(found, mode, server, down.public, up.public, public),
        proxy(up, server.public),
        proxy(down, client.public),
    )


def flips(data: bytes) -> Iterator[bytes]:
    """Yield the bytes with one bit flipped, in each byte."""
    return (data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :] for at in range(len(data)))


def refuses(attempt: Callable[[], object]) -> bool:
    """Tell whether something is refused."""
    try:
        attempt()
    except LearningError:
        return True
    return False


def twisted() -> tuple[str, bool]:
    """Flip a bit in each byte of frames and of a grant."""
    refused = tried = 0
    for mode in MODES:
        keys = secured(mode)
        frame = reencrypted(Sealer(Direction.UP, "r", 1, Wrapping(keys.client)).seal(bytes(range(64))), keys.upwards)
        for one in flips(frame):
            opener = Opener(Direction.UP, "r", 1, Unwrapping(keys.server))
            refused += refuses(lambda opener=opener, one=one: opener.open(one))
            tried += 1
    of_grants, grants = _twisted_grants()
    return f"{refused + of_grants} of {tried + grants}", refused + of_grants == tried + grants


def _twisted_grants() -> tuple[int, int]:
    """Return how many twisted grants were refused, by the forwarding plane or the server, and how many were tried."""
    found = loaded()
    up, down, signing, client, server = (found.keypair() for _ in range(5))
    session = Reencryption.PER_SESSION
    ring = KeyRing(found, session, client, up.public, down.public, signing.public)
    frame = Sealer(Direction.UP, "r", 1, Wrapping(ring)).seal(b"x")
    opened = KeyRing(found, session, server, down.public, up.public, signing.public)
    grants = list(flips(found.grant(up, server.public, signing)))

    def used(grant: bytes) -> bytes:
        proxy = found.proxy(grant, signing.public, up.public, server.public)
        return Opener(Direction.UP, "r", 1, Unwrapping(opened)).open(reencrypted(frame, proxy))

    return sum(refuses(lambda grant=grant: used(grant)) for grant in grants), len(grants)


def plaintext() -> tuple[str, bool]:
    """Capture the frames of whole jobs, and look for the numbers in them."""
    shares = {mode: asyncio.run(captured(mode))[1] for mode in ("None", *MODES)}
    said = ", ".join(f"{mode} {share:.0%}" for mode, share in shares.items())
    return said, shares == {"None": 1.0, **dict.fromkeys(MODES, 0.0)}


def secrets() -> tuple[str, bool]:
    """Look for every secret key of a job in the memory of its forwarding plane, a process of its own."""
    made: list[KeyPair] = []
    kind = type(loaded())
    keypair = kind.keypair

    def noted(self: PreBackend) -> KeyPair:
        made.append(keypair(self))
        return made[-1]

    async def looked() -> tuple[int, int]:
        with processes(2) as outside:
            async with a_job() as job:
                parts = Parts(job, {"a": "fc1"}, each=2, k=2, rounds=200, reencryption=Reencryption.PER_SESSION)
                await job.kill("fp")
                outside.shared.update(job.shared)
                outside.start("forwarding_plane", "fp", {"listen": job.at("fp"), "manager": job.at("man")}, model=False)
                for index in range(2):
                    job.terminal(index)
                await parts.round_done(1)
                held = await asyncio.to_thread(memory, outside.running["fp"].pid)
        public = sum(pair.public in held or pair.public.hex().encode() in held for pair in made)
        return sum(pair.secret in held or pair.secret.hex().encode() in held for pair in made), public

    kind.keypair = noted  # type: ignore[method-assign]
    try:
        secret, public = asyncio.run(looked())
    finally:
        kind.keypair = keypair  # type: ignore[method-assign]
    return f"{secret} of {len(made)} secret keys, {public} public ones", not secret and public > 0


def memory(pid: int) -> bytes:
    """Return all that a process of one's own has written into its memory."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as pages:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, rights, *_ = line.split()
            begin, end = (int(one, 16) for one in where.split("-"))
            if not rights.startswith("rw"):
                continue
            pages.seek(begin)
            try:
                found.append(pages.read(end - begin))
            except OSError:  # a page that cannot be read, such as the kernel's
                continue
    return b"".join(found)


def missing() -> tuple[str, bool]:
    """Run a job whose roles find no backend."""
    with processes(4) as job:
        job.modules = job.folder / "modules"
        job.modules.mkdir()
        (job.modules / "umbral_pre.py").write_text("raise ImportError\n", encoding="utf-8")
        job.two_levels(CUTS, each=2, rounds=1, reencryption=Reencryption.PER_SESSION)
        status = job.running["agg"].wait(300)
        said = (job.folder / "agg.log").read_text(encoding="utf-8").strip().splitlines()[-1]
    named = "needs umbral-pre" in said
    return f"{said.split(':')[0]}, {'' if named else 'not '}naming what is missing", status == 1 and named


def batch() -> tuple[str, bool]:
    """Take the time of a batch over a cut and a socket, in turns; the least disturbed turn of each counts."""
    examples, plan = digits(Split(seed=7)).client(0), Plan(batch=64)
    times: dict[Reencryption, list[float]] = {mode: [] for mode in Reencryption}
    for _, mode in product(range(TURNS), Reencryption):
        keys = secured(mode) if mode in MODES else None
        with processes(1) as job:
            took = over_a_stream(examples, plan, str(job.folder), keys)
            times[mode].append(asyncio.run(took))
    least = {mode: min(found) for mode, found in times.items()}
    met = all(least[mode] - least[Reencryption.NONE] <= most for mode, most in MOST_MORE_S.items())
    return ", ".join(f"{mode} {1e3 * found:.1f} ms" for mode, found in least.items()), met


def rows() -> list[Row]:
    """Measure all of them."""
    kinds = {
        "plaintext": ("numbers read in captured frames: 0 % encrypted", plaintext),
        "secrets": ("memory of the forwarding plane: no secret key", secrets),
        "twistedKeys": ("a flipped bit per byte of frames and grants refused", twisted),
        "backendMissing": ("without the backend the job fails and says why", missing),
        "encryptedBatch": ("a batch: 3 ms more per session, 20 per message", batch),
    }
    return [row for name, (goal, measure) in kinds.items() for row in where_installed(name, goal, measure)]
