"""One schedule, whole: workload and faults, then peace, then the judgement."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.actors import Actor, Run
from tests.faults.checker import violations
from tests.faults.dropping import dropped
from tests.faults.guarantees import DidNotRecover, Violation
from tests.faults.history import Delivered
from tests.faults.members import ConsumerWatcher, Member
from tests.faults.projecting import ProjectionWatcher, schema_of
from tests.faults.readers import ClientSubscriber, Reader, Subscriber, read_log
from tests.faults.schedules import Schedule, schedule_of
from tests.faults.shaking import shake
from tests.faults.writers import ClientWriter, StreamWriter, Writer, settle

if TYPE_CHECKING:
    from tests.faults.history import Stored
    from tests.faults.world import World

_CALM_SECONDS = 0.2
"""Of load after the last fault."""
_RECOVERY_SECONDS = 60
"""How long it may take until everything serves again: far more than on a machine of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a schedule."""

    schedule: Schedule
    violations: list[Violation]
    events: int
    reads: int
    messages: int
    deliveries: int
    tables: int
    """How often the projection's were read."""
    seconds: float
    reasons: Counter[str] = field(default_factory=Counter)


async def run_seed(world: World, seed: int) -> Outcome:
    """Runs a seed's schedule in a world of its kind."""
    return await run_schedule(world, schedule_of(seed))


async def run_schedule(world: World, schedule: Schedule) -> Outcome:
    """Runs a schedule, and judges it. The world is whole again afterwards."""
    began = time.monotonic()
    run = Run(schedule.seed, world.new_tenant(), world.addresses)
    run.final_position = asyncio.get_running_loop().create_future()
    callers = [
        *(Writer(run, f"w{n}") for n in range(schedule.writers)),
        *(StreamWriter(run, f"s{n}") for n in range(schedule.stream_writers)),
        *(ClientWriter(run, f"c{n}") for n in range(schedule.client_writers)),
        *(Reader(run, f"r{n}") for n in range(schedule.readers)),
    ]
    followers: list[Subscriber | ClientSubscriber | Member] = [
        *(Subscriber(run, f"f{n}") for n in range(schedule.subscribers)),
        ClientSubscriber(run, "g0"),
        *(Member(run, f"m{n}") for n in range(schedule.members)),
    ]
    watchers: list[ConsumerWatcher | ProjectionWatcher] = []
    if schedule.members:
        watchers.append(ConsumerWatcher(run, "consumer"))
    if schedule.has_projection:
        watchers.append(ProjectionWatcher(run, "projection", world.database_url))
    for watcher in watchers:
        await watcher.create()
    calling = [asyncio.create_task(one.live(), name=one.name) for one in callers]
    following = [asyncio.create_task(one.live(), name=one.name) for one in (*followers, *watchers)]
    witness = Writer(run, "end")
    logs: list[list[Stored]] = []
    unrecovered: list[Violation] = []
    try:
        unrecovered += await _shaken(world, schedule, run.tenant)
        await asyncio.sleep(_CALM_SECONDS)
        await world.heal()
        run.stopping.set()
        await _all_of(calling)
        async with asyncio.timeout(_RECOVERY_SECONDS):
            positions = [await settle(witness, address) for address in world.addresses]
            run.final_position.set_result(max(positions))
            # One more, for those to notice who already had the last one.
            await settle(witness, world.addresses[0])
        await _all_of(following)
        async with asyncio.timeout(_RECOVERY_SECONDS):
            logs = [await read_log(witness, address) for address in world.addresses]
    except TimeoutError as error:
        waited = str(error) or "an Emit or a Replay, the first after the faults,"
        unrecovered.append(DidNotRecover(f"{waited} had no answer after {_RECOVERY_SECONDS} s"))
    finally:
        for one in (*calling, *following):
            one.cancel()
        await asyncio.gather(*calling, *following, return_exceptions=True)
        await close(*callers, *followers, *watchers, witness)
    found = unrecovered
    if logs:
        settled = run.final_position.result()
        found += violations(run.history, logs[0], others=logs[1:], settled_through=settled)
    if watchers and not found:  # else somebody will want to look at it
        found += await dropped(
            world.addresses[0],
            world.database_url,
            run.tenant,
            head=len(logs[0]),
            schema=schema_of(run.tenant),
        )
    return Outcome(
        schedule,
        found,
        events=len(logs[0]) if logs else 0,
        reads=len(run.history.reads),
        messages=len(run.history.subscribed),
        deliveries=sum(isinstance(one, Delivered) for one in run.history.consumed),
        tables=sum(one.tables is not None for one in run.history.projected),
        seconds=time.monotonic() - began,
        reasons=run.reasons,
    )


async def _shaken(world: World, schedule: Schedule, tenant: str) -> list[Violation]:
    """Has the faults happen; a server that does not stop well, or start again, is a violation."""
    found: list[Violation] = []
    try:
        await shake(world, schedule, tenant=tenant)
    except* (AssertionError, TimeoutError) as failed:
        found += [DidNotRecover(f"a server: {error!r}") for error in failed.exceptions]
    return found


async def _all_of(tasks: list[asyncio.Task[None]]) -> None:
    """Waits for all of them; TimeoutError names who has not come to an end."""
    done, waiting = await asyncio.wait(tasks, timeout=_RECOVERY_SECONDS)
    for one in done:
        one.result()
    if waiting:
        raise TimeoutError(", ".join(one.get_name() for one in waiting))


async def close(*actors: Actor) -> None:
    """Ends their connections."""
    for one in actors:
        await one.close()
