"""A night in random order, with everything that can happen to messages, handlers and writes, and people in between."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chalicelib.blocks.sweep import PATIENCE
from tests.protocol.actions import CHOICES, People, comparable, differences
from tests.protocol.frames import uploads
from tests.protocol.world import TROUBLES, World

PLACE = st.integers(0, 20)
POINTS = st.integers(0, 40)


class Reference:
    """The undisturbed night, and how it ends with given decisions of people."""

    base: World | None = None

    @classmethod
    def after(cls, people: People) -> dict[str, dict]:
        """What must be there at the end of a history with these people."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            if cls.base is None:
                cls.base = World(monkeypatch)
                for key, data in uploads():
                    cls.base.upload(key, data)
                    cls.base.drain()
                cls.base.check()
            world = cls.base.fork(monkeypatch)
            others = People(world)
            others.decide(people.facts)
            world.check()
            return comparable(world.snapshot(others.variants), people.facts)


class Night(RuleBasedStateMachine):
    """One history. Every choice is drawn, so that hypothesis can shorten a history that goes wrong."""

    histories = 0
    events: dict[str, int] = {}

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.world = World(self.patch, seed)
        self.people = People(self.world)
        self.left = list(uploads())
        self.lossy = False

    # ---- the night

    @precondition(lambda self: self.left)
    @rule(which=PLACE, count=st.integers(1, 15))
    def upload(self, which: int, count: int) -> None:
        for _ in range(min(count, len(self.left))):
            candidates = [entry for number, entry in enumerate(self.left) if self._in_turn(number)]
            chosen = candidates[which % len(candidates)]
            self.left.remove(chosen)
            self.world.upload(*chosen)

    def _in_turn(self, number: int) -> bool:
        """Whether no earlier upload of the same name is to come first."""
        return self.left[number][0] not in {key for key, _ in self.left[:number]}

    @precondition(lambda self: self.world.messages)
    @rule(count=st.integers(1, 40), duplicate=st.sampled_from((0.0, 0.2)))
    def play(self, count: int, duplicate: float) -> None:
        for _ in range(count):
            self.world.step(shuffle=True, duplicate=duplicate)

    @precondition(lambda self: self.world.queues.due())
    @rule(which=PLACE)
    def deliver(self, which: int) -> None:
        self.world.deliver(self._due(which))

    @precondition(lambda self: self.world.queues.due() and len(self.world.paused) < 4)
    @rule(which=PLACE, points=POINTS)
    def deliver_up_to(self, which: int, points: int) -> None:
        self.world.start(self._due(which), points)

    @precondition(lambda self: self.world.paused)
    @rule(which=PLACE, points=POINTS)
    def go_on(self, which: int, points: int) -> None:
        self.world.resume(self.world.paused[which % len(self.world.paused)], points)

    @precondition(lambda self: self.world.paused)
    @rule(which=PLACE)
    def kill(self, which: int) -> None:
        self.lossy = True  # if it stood still for long, its message may have come and gone while it held the lease
        self.world.kill(self.world.paused[which % len(self.world.paused)])

    @precondition(lambda self: self.world.messages)
    @rule(which=PLACE)
    def duplicate(self, which: int) -> None:
        message = self.world.messages[which % len(self.world.messages)]
        self.world.queues.put(message.block, message.body)

    @precondition(lambda self: self.world.messages)
    @rule(which=PLACE)
    def lose(self, which: int) -> None:
        self.lossy = True
        self.world.queues.delete(self.world.messages[which % len(self.world.messages)])

    @rule(seconds=st.sampled_from((1, 5, 40, 200, 700)))
    def wait(self, seconds: int) -> None:
        self.world.now += seconds

    @rule(points=POINTS, late=st.booleans())
    def sweep(self, points: int, late: bool) -> None:
        if late:  # what waits in a queue has waited long enough to be told again
            self.world.now += PATIENCE
        self.world.start_sweep(points)

    @rule(after=st.integers(0, 60), kind=st.sampled_from(TROUBLES))
    def trouble(self, after: int, kind: str) -> None:
        self.lossy = self.lossy or kind == "refused"  # it may be the release of the lease that is refused
        self.world.troubles[self.world.writes + after] = kind

    @rule(after=st.integers(0, 60), done=st.booleans())
    def crash(self, after: int, done: bool) -> None:
        self.world.crash_at, self.world.crash_after = self.world.writes + after, done

    # ---- people

    @precondition(lambda self: self.people.products())
    @rule(which=PLACE, lost=st.booleans())
    def delete(self, which: int, lost: bool) -> None:
        self._act(lambda: self.people.delete(_pick(self.people.products(), which)), lost)

    @precondition(lambda self: self.people.facts.deleted)
    @rule(which=PLACE, lost=st.booleans())
    def restore(self, which: int, lost: bool) -> None:
        self._act(lambda: self.people.restore(_pick(self.people.facts.deleted, which)), lost)

    @precondition(lambda self: self.people.calibrations())
    @rule(which=PLACE, lost=st.booleans())
    def mark_bad(self, which: int, lost: bool) -> None:
        self._act(lambda: self.people.mark_bad(_pick(self.people.calibrations(), which)), lost)

    @precondition(lambda self: self.people.bad())
    @rule(which=PLACE, lost=st.booleans())
    def unmark_bad(self, which: int, lost: bool) -> None:
        self._act(lambda: self.people.unmark_bad(_pick(self.people.bad(), which)), lost)

    @precondition(lambda self: self.people.members())
    @rule(which=PLACE, obstype=st.sampled_from(("BIAS", "LAMPFLAT", "FOCUS")), lost=st.booleans())
    def reclassify(self, which: int, obstype: str, lost: bool) -> None:
        self._act(lambda: self.people.reclassify(_pick(self.people.members(), which), obstype), lost)

    @precondition(lambda self: self.people.spectra())
    @rule(which=PLACE, label=st.sampled_from(sorted(CHOICES)), lost=st.booleans())
    def choose(self, which: int, label: str, lost: bool) -> None:
        if CHOICES[label](self.world) is not None:
            self._act(lambda: self.people.choose(_pick(self.people.spectra(), which), label), lost)

    @precondition(lambda self: self.people.facts.choices)
    @rule(which=PLACE, lost=st.booleans())
    def withdraw(self, which: int, lost: bool) -> None:
        self._act(lambda: self.people.withdraw(*_pick(self.people.facts.choices, which)), lost)

    @precondition(lambda self: self.people.spectra())
    @rule(which=PLACE, again=st.booleans(), lost=st.booleans())
    def ask_again(self, which: int, again: bool, lost: bool) -> None:
        act = self.people.retry if again else self.people.reprocess
        self._act(lambda: act(_pick(self.people.spectra(), which)), lost)

    # ---- the end

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._end()
            type(self).histories += 1
        finally:
            self.world.close()
            self.patch.undo()

    def _end(self) -> None:
        world = self.world
        for key, data in self.left:
            world.upload(key, data)
        world.finish()
        if not self.lossy:  # then all is well before the sweep
            world.drain(shuffle=True)
            world.check()
        world.settle(shuffle=True)
        assert not world.errors, world.errors
        world.check()
        found = comparable(world.snapshot(self.people.variants), self.people.facts)
        self.patch.undo()
        expected = Reference.after(self.people)
        wrong = differences(found, expected)
        assert not wrong, "\n".join(wrong)

    def _due(self, which: int):
        due = self.world.queues.due()
        return due[which % len(due)]

    def _act(self, act, lost: bool) -> None:
        """Somebody does something; if ``lost``, the process dies after the fact is written and before it is told."""
        world = self.world
        crash, troubles = (world.crash_at, dict(world.troubles))
        world.crash_at, world.troubles = None, {}
        before = list(world.queues.messages)
        act()
        world.crash_at, world.troubles = crash, troubles
        if lost:
            self.lossy = True
            world.queues.messages[:] = before


def _pick(found, which: int):
    """One of some things."""
    return list(found)[which % len(found)]
