"""What the watchdog concludes, look after look, on a clock that the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.operations.watchdog.heartbeat import Heartbeat
from backend.operations.watchdog.observation import Observation
from backend.operations.watchdog.verdict import Judge, Verdict

SILENCE_S = 60.0
RESTARTS = 3
PAUSE_S = 30.0
EVERY_S = 5.0
START = 10_000.0
PLACES = 2
HOUR_S = 3600.0


@dataclass
class World:
    """A worker, a broker and a watchdog. Flags say what is broken; time passes by ``live``."""

    now: float = START
    alive: bool = True
    name: str = "a"
    loop_moves: bool = True
    canary_comes: bool = True
    broker: bool = True
    folder: bool = True
    database: bool = True
    busy: int = 0
    silent: set[int] = field(default_factory=set)
    leases_lost: int = 0
    restarted: Callable[["World"], None] = lambda world: None
    verdicts: list[tuple[float, Verdict]] = field(default_factory=list)
    judge: Judge = field(default_factory=lambda: Judge(SILENCE_S, RESTARTS, PAUSE_S, START))

    def __post_init__(self) -> None:
        self._beat_at = self._canary_at = self.now
        self._children = dict.fromkeys(range(1, PLACES + 1), self.now)

    def live(self, seconds: float) -> "World":
        """Look every few seconds, until so much time has passed."""
        until = self.now + seconds
        while self.now < until:
            self.now += EVERY_S
            self._look()
        return self

    def _look(self) -> None:
        if self.loop_moves and self.broker:
            self._beat_at = self.now
            if self.canary_comes and self.busy < PLACES:
                self._canary_at = self.now
        for pid in self._children:
            if pid not in self.silent:
                self._children[pid] = self.now
        pool = [Heartbeat(pid, 0, at, busy=pid <= self.busy) for pid, at in self._children.items()]
        seen = Observation(
            now=self.now,
            folder_ok=self.folder,
            broker_ok=self.broker,
            worker=Heartbeat(1, 0, self._beat_at, self.name, PLACES) if self.alive else None,
            pool=pool if self.alive else [],
            canary_at=self._canary_at,
            leases_lost=self.leases_lost if self.database else None,
        )
        verdict = self.judge.judge(seen)
        if verdict.action != "nothing":
            self.verdicts.append((self.now, verdict))
        if verdict.action == "restart":
            self.name += "+"
            self.__post_init__()
            self.restarted(self)

    @property
    def restarts(self) -> list[tuple[float, str]]:
        """When it was restarted, in seconds from the start, and why."""
        return [(at - START, verdict.reason) for at, verdict in self.verdicts if verdict.action == "restart"]


def settled() -> World:
    """A world in which all is well, and has been for a while."""
    return World().live(120)


def mend(world: World) -> None:
    world.loop_moves = world.canary_comes = True
    world.silent.clear()


def test_an_idle_worker_is_left_alone_for_hours() -> None:
    assert settled().live(5 * HOUR_S).verdicts == []


def test_a_worker_whose_places_are_all_taken_is_left_alone_for_hours() -> None:
    world = settled()
    world.busy = PLACES
    assert world.live(5 * HOUR_S).verdicts == []


def test_a_main_process_that_stands_still_is_restarted_in_time() -> None:
    world = settled()
    world.restarted = mend
    world.loop_moves = False
    world.live(600)
    ((at, reason),) = world.restarts
    assert reason == "heartbeat"
    assert SILENCE_S < at - 120 <= SILENCE_S + 2 * EVERY_S


def test_a_consumer_that_takes_no_messages_is_restarted() -> None:
    world = settled()
    world.restarted = mend
    world.canary_comes = False
    world.live(600)
    ((at, reason),) = world.restarts
    assert reason == "canary"
    assert at - 120 <= SILENCE_S + 2 * EVERY_S


def test_one_free_place_is_enough_for_a_canary_to_be_due() -> None:
    world = settled()
    world.busy, world.canary_comes, world.restarted = PLACES - 1, False, mend
    assert [reason for _, reason in world.live(300).restarts] == ["canary"]


def test_places_taken_by_processes_that_stand_still_are_no_excuse() -> None:
    world = settled()
    world.busy, world.silent, world.restarted = PLACES, {1, 2}, mend
    world.live(200)
    assert world.verdicts != []


@pytest.mark.parametrize("away_s", [10, 60, 600, 5 * HOUR_S])
def test_a_broker_that_is_away_is_waited_for(away_s: float) -> None:
    world = settled()
    world.broker = False
    world.live(away_s)
    # Celery tries again every 30 s at most: until then the loop does not move, though the broker is back.
    world.broker, world.loop_moves = True, False
    world.live(80)
    world.loop_moves = True
    assert world.live(600).verdicts == []


def test_a_worker_that_does_not_come_back_to_its_broker_is_restarted() -> None:
    world = settled()
    world.broker = False
    world.live(600)
    world.broker, world.loop_moves, world.restarted = True, False, mend
    assert [reason for _, reason in world.live(300).restarts] == ["heartbeat"]


def test_a_broker_that_was_never_there_is_waited_for() -> None:
    world = World(broker=False, loop_moves=False)
    assert world.live(HOUR_S).verdicts == []


def test_on_a_full_disk_no_sign_is_missed() -> None:
    world = settled()
    world.folder = world.loop_moves = False
    world.silent = {1, 2}
    assert world.live(HOUR_S).verdicts == []


def test_without_a_database_a_frozen_worker_is_restarted_and_a_well_one_is_not() -> None:
    world = settled()
    world.database = False
    assert world.live(HOUR_S).verdicts == []
    world.loop_moves, world.restarted = False, mend
    assert [reason for _, reason in world.live(300).restarts] == ["heartbeat"]


def test_a_lost_lease_alone_is_no_reason() -> None:
    world = settled()
    for _ in range(20):
        world.leases_lost += 1
        world.live(60)
    assert world.verdicts == []


@pytest.mark.parametrize(("lost", "patience_s"), [(True, 60.0), (False, 120.0)])
def test_a_process_of_the_pool_that_stands_still_is_ended(lost: bool, patience_s: float) -> None:
    world = settled()
    world.silent = {2}
    world.live(35)
    world.leases_lost += lost
    world.live(patience_s - 35 + 2 * EVERY_S)
    ends = [(at, verdict) for at, verdict in world.verdicts]
    assert {(verdict.action, verdict.reason) for _, verdict in ends} == {("end_processes", "pool")}
    assert {process.pid for _, verdict in ends for process in verdict.stuck} == {2}
    assert patience_s < ends[0][0] - START - 120 <= patience_s + 2 * EVERY_S


def test_a_process_of_the_pool_that_cannot_be_ended_takes_the_worker_with_it() -> None:
    world = settled()
    world.silent, world.restarted = {1}, mend
    assert [reason for _, reason in world.live(400).restarts] == ["pool"]


def test_a_lease_lost_by_another_process_is_no_witness_against_one_that_was_silent_later() -> None:
    world = settled()
    world.leases_lost += 1
    world.live(30)
    world.silent = {1}
    assert world.live(90).verdicts == []


def test_the_pauses_grow_and_then_it_is_given_up() -> None:
    world = settled()
    world.loop_moves = False
    world.live(3600)
    reasons = [verdict.action for _, verdict in world.verdicts]
    assert reasons[:RESTARTS] == ["restart"] * RESTARTS
    assert set(reasons[RESTARTS:]) == {"give_up"}
    times = [at for at, _ in world.verdicts]
    gaps = [later - earlier for earlier, later in pairwise(times[: RESTARTS + 1])]
    for gap, pause in zip(gaps, (30, 60, 120), strict=True):
        assert pause + SILENCE_S <= gap <= pause + SILENCE_S + 2 * EVERY_S


def test_restarts_are_forgotten_after_a_long_time_of_being_well() -> None:
    world = settled()
    world.restarted = mend
    for _ in range(4 * RESTARTS):
        world.loop_moves = False
        world.live(120)
        world.live(30 + 6 * SILENCE_S)
    assert len(world.restarts) == 4 * RESTARTS
    assert "give_up" not in {verdict.action for _, verdict in world.verdicts}


def test_restarts_are_not_forgotten_while_nothing_can_be_judged() -> None:
    world = settled()
    world.loop_moves = False
    world.live(100)
    assert world.judge.restarts == 1
    world.broker = False
    mend(world)
    world.live(HOUR_S)
    assert world.judge.restarts == 1
    world.broker = True
    world.live(SILENCE_S)
    assert world.judge.restarts == 1
    world.live(5 * SILENCE_S)
    assert world.judge.restarts == 0


def test_a_worker_that_never_comes_is_counted_and_given_up() -> None:
    world = World(alive=False).live(3600)
    assert world.restarts[0][1] == "missing"
    assert world.verdicts[-1][1] == Verdict("give_up", "missing")


def die(world: World, away_s: float = 20, lives_s: float = 60) -> None:
    """End by itself, and be started again by the supervisor."""
    world.alive = False
    world.live(away_s)
    world.alive, world.name = True, world.name + "'"
    world.live(lives_s)


def actions(world: World) -> set[str]:
    return {verdict.action for _, verdict in world.verdicts}


@pytest.mark.parametrize("away_s", [0, 20])
def test_a_worker_that_dies_as_often_as_it_may_is_left_alone(away_s: float) -> None:
    world = settled()
    for _ in range(RESTARTS):
        die(world, away_s)
    assert [verdict for _, verdict in world.live(HOUR_S).verdicts] == [Verdict("count_death", "died")] * RESTARTS
    assert world.judge.restarts == 0


@pytest.mark.parametrize("away_s", [0, 20])
def test_a_worker_that_dies_again_and_again_is_given_up(away_s: float) -> None:
    world = settled()
    for _ in range(RESTARTS + 1):
        die(world, away_s)
    assert world.verdicts[RESTARTS][1] == Verdict("give_up", "died")


def test_deaths_are_forgiven_after_a_long_time_of_being_well() -> None:
    world = settled()
    for _ in range(4 * RESTARTS):
        die(world, lives_s=6 * SILENCE_S)
    assert actions(world) == {"count_death"}


def test_deaths_for_want_of_the_broker_do_not_count() -> None:
    world = settled()
    world.broker = False
    for _ in range(4 * RESTARTS):
        die(world)
    world.broker = True
    die(world, lives_s=10)
    assert world.live(HOUR_S).verdicts == []


def test_a_worker_that_was_restarted_has_not_died_as_well() -> None:
    world = settled()
    world.loop_moves, world.restarted = False, mend
    world.live(100)
    assert (actions(world), world.judge.restarts) == ({"restart"}, 1)
    die(world)
    assert (actions(world), world.judge.restarts) == ({"restart", "count_death"}, 2)


def test_a_new_worker_gets_a_whole_silence() -> None:
    world = settled()
    world.canary_comes = False
    world.live(50)
    die(world, away_s=5, lives_s=50)
    assert actions(world) == {"count_death"}


def test_a_death_does_not_shorten_the_pause_after_a_restart() -> None:
    world = settled()
    world.loop_moves = False
    world.live(70)
    die(world, away_s=5, lives_s=200)
    first, second = (at for at, _ in world.restarts[:2])
    assert second - first >= PAUSE_S + SILENCE_S


def test_one_death_ends_no_container_where_no_restart_is_allowed() -> None:
    judge = Judge(SILENCE_S, 0, PAUSE_S, START)
    told = []
    for after_s, name in enumerate("aaaaaaaabc"):
        now = START + 10 * after_s
        seen = Observation(now, folder_ok=True, broker_ok=True, worker=Heartbeat(1, 0, now, name, PLACES))
        told.append(judge.judge(seen).action)
    assert told[-3:] == ["nothing", "count_death", "give_up"]


def test_nothing_is_judged_by_what_came_while_the_watchdog_itself_stood_still() -> None:
    world = settled()
    # As when the machine was suspended: all went to sleep, and the watchdog is the first to wake.
    world.now += HOUR_S
    world.loop_moves = False
    world.silent = {1, 2}
    world.live(10)
    world.loop_moves = True
    world.silent.clear()
    assert world.live(600).verdicts == []


_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["broker", "database", "folder", "busy", "alive", "leases_lost"]),
        st.integers(0, PLACES),
        st.floats(5, 110),
    ),
    max_size=40,
)


@given(_CHANGES)
def test_whatever_happens_around_it_a_worker_that_is_well_is_never_restarted(
    changes: list[tuple[str, int, float]],
) -> None:
    world = World()
    for name, value, seconds in changes:
        setattr(world, name, value if name in ("busy", "leases_lost") else bool(value))
        world.live(seconds)
        # Its supervisor starts it again within seconds.
        world.alive = True
        world.live(EVERY_S)
    assert world.verdicts == []


@given(_CHANGES, st.sampled_from(["loop_moves", "canary_comes"]))
def test_whatever_happened_before_a_worker_that_hangs_is_restarted(
    changes: list[tuple[str, int, float]], sign: str
) -> None:
    world = World()
    for name, value, seconds in changes:
        setattr(world, name, value if name in ("busy", "leases_lost") else bool(value))
        world.live(seconds)
    world.broker = world.folder = world.alive = True
    world.busy = 0
    setattr(world, sign, False)
    world.live(SILENCE_S + SILENCE_S / 2 + 2 * EVERY_S)
    assert "restart" in {verdict.action for _, verdict in world.verdicts}
