"""The steps a handler of the model takes, in the order of the code.

| step | mirrors |
|---|---|
| nudge, lease | INGEST's ``subjects.take``: ``nudge``, then the lease update: returns the item, clears the mark |
| wake | the others' ``subjects.wake``: the lease update, refused where the subject is closed |
| tell, tell-look, tell-nudge, tell-send | ``driver.tell_interested``: query, ``waiting``; then ``nudge``, ``send`` |
| register, master, arc, members | ``facts.frame_facts``, ``facts.pool_facts``; the last read is followed by the plan |
| write, publish, refresh | ``driver.execute``: objects, ``publish.publish``, ``subjects.refresh`` |
| handover, send | ``driver.work_under``: ``subjects.release(settled=False)``, then ``queues.send`` |
| settle | ``standing.settle`` → ``subjects.release(settled=True)``; what ``standing.adjust`` retires is a step here |
| rest, abandon, again | ``driver._rest_pool``: ``release``, if refused ``abandon``, then the delayed ``queues.send`` |
| raise | ``driver.work``: ``subjects.abandon``; the message becomes visible again |
| look | ``driver.subject_of_file``, for an object's own event |
| i-record … i-tell | ``ingest.handle``: known?, ``_publish_frame``, refresh, ``note_object``, ``_tell_pool`` |
| u-do, u-send | a user's action (rule 7): fact, nudge and open in one transaction, then the message |
| sweep | ``sweep.sweep`` |

A member that is not ``leased_members`` goes through INGEST's transaction and ``_tell_pool`` without a lease of its own:
its own subject decides nothing. DEADLETTER and the delay of messages are not modelled (any delay is any order). Steps
whose effect nobody else can see are taken together with the step before: a delivery with the first step, ``write``
where no event of the object is modelled, ``tell`` where interests cannot change.
"""

from __future__ import annotations

from tests.protocol.model_state import (
    ARC,
    BEFORE,
    CHOICE,
    FANOUT,
    FRAME,
    FREE,
    HELD,
    INTERESTED,
    LEASE,
    MARK,
    MEMBER,
    MEMBERS,
    NEXT,
    NOTED,
    OPEN,
    POOL,
    RECORD,
    STAGES,
    Draft,
    Handler,
    Scenario,
    master_of,
    plan,
    product,
)


class Run:
    """One step of one handler. ``local`` is (stages, choice, fanout to tell, own publication) and what was read."""

    __slots__ = ("actor", "block", "draft", "dropped", "handler", "item", "pool", "scenario", "stale", "subject")

    def __init__(self, scenario: Scenario, draft: Draft, handler: Handler, stale: int) -> None:
        self.scenario, self.draft, self.handler, self.stale = scenario, draft, handler, stale
        self.subject = handler.subject
        self.actor = scenario.actors[self.subject]
        self.pool = -1 if self.actor.pool is None else self.actor.pool
        self.item = draft.subjects[self.subject]
        self.dropped = scenario.dropped
        block = scenario.messages[handler.message][0] if handler.message >= 0 else "user"
        self.block = "wavelength" if block == "event" else block

    def take(self) -> tuple[Handler | None, str]:
        """Do it: the handler after it (None: it is finished) and how it went."""
        return getattr(self, "_" + self.handler.step.replace("-", "_"))()

    def _to(self, step: str, *local, **flags: int) -> Handler:
        return self.handler._replace(step=step, local=local, **flags)

    def _holds(self) -> bool:
        return bool(self.handler.mine) and self.item[LEASE] != FREE

    def _snapshot(self, own: int = 0) -> tuple:
        return self.item[STAGES], self.item[CHOICE], self.item[FANOUT], own

    # -- the lease

    def _nudge(self):
        self.draft.nudge(self.subject, opening="open" not in self.dropped)
        return self._to("lease"), ""

    def _wake(self):
        return self._lease() if self.item[OPEN] else (None, "closed")

    def _lease(self):
        if self.item[LEASE] == HELD:
            return (self._to("late-nudge") if "then" in self.dropped else None), "held"
        self.draft.lease(self.subject)
        self.item[NEXT] = ""
        if "clear" not in self.dropped:
            self.item[MARK] = 0
        self.handler = self.handler._replace(mine=1, fresh=1, heir=self.item[FANOUT])
        if self.block == "ingest":
            return self._to("i-record"), "taken"
        return self._look_around(self._snapshot()), "taken"

    def _late_nudge(self):
        self.draft.nudge(self.subject)
        return None, ""

    def _look(self):
        orphaned = self.item[OPEN] and self.item[LEASE] != HELD and self.item[STAGES][0] is not None
        orphaned = orphaned and self.item[NEXT] in ("", self.block)
        return (self._to("wake") if orphaned else None), "orphaned" if orphaned else "cared for"

    def _refresh(self):
        if not self._holds():
            return None, "lease lost"
        own = self.handler.local[0] if self.handler.local else 0
        self.handler = self.handler._replace(fresh=1)
        return self._look_around(self._snapshot(own)), ""

    # -- telling the interested, reading, planning

    def _look_around(self, seen: tuple) -> Handler:
        tells = seen[3] if "any" in self.dropped else seen[2]
        if "durable" in self.dropped:
            tells = seen[3]
        if not tells:
            return self._read(seen)
        if self.scenario.settled_interests:
            return self._to("tell-look", seen, self._interested())
        return self._to("tell", seen)

    def _read(self, seen: tuple) -> Handler:
        kind = self.actor.kind
        if kind == POOL:
            return self._to("members", seen)
        if kind == MEMBER:
            return self._to("own", seen)
        if not self.item[INTERESTED] and self.item[RECORD] and "interest" not in self.dropped:
            return self._to("register", seen)
        return self._to("master", seen)

    def _tell(self):
        seen = self.handler.local[0]
        asked = self._interested() if len(seen) == 4 else seen[4]
        return self._to("tell-look", seen[:4], asked), f"{len(asked)} interested"

    def _tell_look(self):
        seen, asked = self.handler.local
        if not self.handler.heir or "inherited" in self.dropped:
            asked = tuple(j for j in asked if not self._waits(j))
        return self._tell_next(seen, asked), f"{len(asked)} to tell"

    def _waits(self, subject: int) -> bool:
        item = self.draft.subjects[subject]
        return bool(item[OPEN]) and (item[LEASE] == FREE or "unheld" in self.dropped)

    def _interested(self) -> tuple[int, ...]:
        return tuple(j for j in self.scenario.concerned[self.subject] if self.draft.subjects[j][INTERESTED])

    def _tell_next(self, seen: tuple, asked: tuple[int, ...]) -> Handler:
        if not asked:
            return self._read(seen)
        return self._to("tell-send" if "first" in self.dropped else "tell-nudge", seen, asked)

    def _tell_nudge(self):
        seen, asked = self.handler.local
        self.draft.nudge(asked[0], opening="open" not in self.dropped)
        return self._to("tell-send", seen, asked), self.scenario.actors[asked[0]].name

    def _tell_send(self):
        seen, asked = self.handler.local
        self.draft.queue |= self.scenario.home(asked[0])
        return self._tell_next(seen, asked[1:]), self.scenario.actors[asked[0]].name

    def _register(self):
        self.item[INTERESTED] = 1
        if "interest" in self.dropped:
            return self._planned(*self.handler.local), ""
        return self._to("master", *self.handler.local), ""

    def _own(self):
        return self._planned(self.handler.local[0], (0, None)), ""

    def _master(self):
        master = 0
        if self.actor.pool is not None:
            item = self.draft.subjects[self.pool]
            master = (item[BEFORE] or 0) if self.stale else master_of(item)
        if self.actor.arc is not None:
            return self._to("arc", *self.handler.local, master), f"reads {master}{' (stale)' * self.stale}"
        return self._facts_read(self.handler.local[0], (master, None)), f"reads {master}{' (stale)' * self.stale}"

    def _arc(self):
        seen, master = self.handler.local
        item = self.draft.subjects[self.actor.arc or 0]
        arc = product(item[BEFORE] if self.stale else item[STAGES][0])
        return self._facts_read(seen, (master, arc)), f"reads {arc}{' (stale)' * self.stale}"

    def _members(self):
        facts = (self.item[MEMBERS],)
        if "clear" in self.dropped:
            return self._to("clear", self.handler.local[0], facts), f"reads {facts[0]:b}"
        return self._facts_read(self.handler.local[0], facts), f"reads {facts[0]:b}"

    def _clear(self):
        self.item[MARK] = 0
        return self._facts_read(*self.handler.local), ""

    def _facts_read(self, seen: tuple, facts: tuple) -> Handler:
        if "interest" in self.dropped and self.actor.kind in (FRAME, ARC) and not self.item[INTERESTED]:
            return self._to("register", seen, facts)
        return self._planned(seen, facts)

    def _planned(self, seen: tuple, facts: tuple) -> Handler:
        stages, choice, _, _ = seen
        due = plan(self.scenario, self.subject, self.item[RECORD], stages, choice, facts)
        if due is None:
            after = self._to("settle")
        elif due[0] == self.block and self.handler.again:
            after = self._to("again" if "self" in self.dropped else "rest")
        elif due[0] == self.block:
            after = self._to("write", seen, due)
            if not self.scenario.events and "after" not in self.dropped:
                after = after._replace(step="publish")
        else:
            after = self._to("send" if "release" in self.dropped else "handover", due[0])
        if "seen" in self.dropped:
            return self._to("seen", after)
        return after

    def _seen(self):
        return self.handler.local[0]._replace(fresh=self.handler.mine, mine=self.handler.mine), ""

    # -- publishing

    def _write(self):
        seen, due = self.handler.local
        if self.scenario.events and self.actor.stages > 1 and due[1] == 0:
            self.draft.queue |= self.scenario.bit("event", self.subject)
        if "after" in self.dropped:
            return self._to("publish", seen, due, self._interested()), ""
        return self._to("publish", seen, due), ""

    def _publish(self):
        seen, (_, stage, value), *asked = self.handler.local
        if "attempt" in self.dropped:
            self.draft.overlap = not self._holds()
        elif not self._holds():
            return None, "refused: the lease is another's"
        stages = list(self.item[STAGES])
        if "consistent" in self.dropped:
            self.item[BEFORE] = stages[0]
        stages[stage] = value
        self.item[STAGES] = tuple(stages)
        if "choices" in self.dropped:
            self.item[CHOICE] = seen[1]
        tells = int(stage == 0 and self.actor.kind in (POOL, ARC))
        if tells and "durable" not in self.dropped:
            self.item[FANOUT] = 1
        if asked and tells:
            return self._to("told", asked[0]), f"stage {stage}: {value}"
        own = int(tells and bool(self.dropped & {"any", "durable"}))
        return self._to("refresh", own), f"stage {stage}: {value}"

    def _told(self):
        """In the place of refresh, where those to be told were asked for before the publication."""
        if not self._holds():
            return None, "lease lost"
        self.handler, asked = self.handler._replace(fresh=1), self.handler.local[0]
        return self._to("tell", (*self._snapshot(), asked)), ""

    # -- letting go

    def _let_go(self, *, settled: bool = False, after: str = "") -> bool:
        marked = not self.scenario.counted_mark and self.item[MARK]
        if (not self.handler.fresh and "unseen" not in self.dropped) or marked:
            return False
        self.item[LEASE] = self.item[FANOUT] = 0
        if settled or "only" in self.dropped:
            self.item[OPEN] = 0
        self.item[NEXT] = after if self.scenario.events else ""
        return True

    def _release(self, **how) -> tuple[bool, Handler | None, str]:
        if not self._holds():
            return False, None, "lease lost"
        if self._let_go(**how):
            return True, None, ""
        if "reread" in self.dropped:
            return False, self.handler._replace(fresh=1), "refused: nudged"
        if self.handler.fresh:
            return False, self._to("abandon"), "refused: marked"
        return False, self._to("refresh", again=int(self.actor.kind == POOL)), "refused: nudged"

    def _handover(self):
        released, after, note = self._release(after=self.handler.local[0])
        if released and "release" not in self.dropped:
            return self._to("send", *self.handler.local, mine=0, fresh=0), note
        return after, note

    def _send(self):
        block = self.handler.local[0]
        self.draft.queue |= self.scenario.bit(block, self.subject)
        return (self._to("handover", block) if "release" in self.dropped else None), f"to {block.upper()}"

    def _settle(self):
        _, after, note = self._release(settled=True)
        return after, note

    def _rest(self):
        if not self._holds():
            return None, "lease lost"
        if not self._let_go():
            return self._to("abandon"), "refused: nudged"
        return (None if "self" in self.dropped else self._to("again", mine=0, fresh=0)), ""

    def _abandon(self):
        if self.handler.mine:
            self.item[LEASE] = FREE
        return (None if "self" in self.dropped else self._to("again", mine=0, fresh=0)), ""

    def _again(self):
        self.draft.queue |= self.scenario.home(self.subject)
        return (self._to("rest") if "self" in self.dropped else None), ""

    def _raise(self):
        if self.handler.mine and "raise" not in self.dropped:
            self.item[LEASE] = FREE
        self.draft.queue |= 1 << self.handler.message
        return None, ""

    # -- INGEST and the user

    def _i_record(self):
        if not self.item[RECORD]:
            return (self._to("i-publish"), "new") if self.handler.mine else self._i_publish()
        if "resend" in self.dropped:
            return self._i_end(), "known"
        return self._to("i-note"), "known"

    def _i_end(self) -> Handler | None:
        return self._look_around(self._snapshot()) if self.handler.mine else None

    def _i_publish(self):
        leased = self.actor.kind != MEMBER or self.scenario.leased_members
        if leased and not self._holds():
            return None, "refused: the lease is another's"
        self.item[RECORD] = 1
        self.item[INTERESTED] = int(self.actor.kind in (FRAME, ARC) and self.scenario.interested)
        if self.actor.kind == MEMBER:
            self.draft.subjects[self.pool][MEMBERS] |= self.actor.bit
            if "mark" in self.dropped:
                return self._to("i-mark"), ""
            self._mark()
        return self._to("i-refresh" if leased else "i-note"), ""

    def _mark(self) -> None:
        pool = self.draft.subjects[self.pool]
        pool[OPEN], pool[MARK] = 1, int(not self.scenario.counted_mark)
        if self.scenario.counted_mark:
            self.draft.nudge(self.pool)

    def _i_mark(self):
        self._mark()
        return self._to("i-refresh" if self.handler.mine else "i-note"), ""

    def _i_refresh(self):
        if not self._holds():
            return None, "lease lost"
        return self._to("i-note", fresh=1), ""

    def _i_note(self):
        self.item[NOTED] = 1
        if self.actor.kind != MEMBER:
            return self._i_end(), ""
        return (self._to("i-tell"), "") if self.handler.mine else self._i_tell()

    def _i_tell(self):
        self.draft.queue |= self.scenario.home(self.pool)
        return self._i_end(), ""

    def _u_nudge(self):
        self.draft.nudge(self.subject)
        return self._to("u-send"), ""

    def _u_send(self):
        self.draft.queue |= self.scenario.home(self.subject)
        return None, ""
