"""Families of refresh tokens under any sequence of uses, thefts and pauses: the database against a model."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.identity.application.log_in import log_in
from services.identity.application.log_out import log_out
from services.identity.application.refresh_session import refresh_session
from services.identity.domain.session import SessionEnded
from services.identity.persistence.tables import refresh_token, session
from tests.identity.world import GRACE, PASSWORD, World


class Families(RuleBasedStateMachine):
    """One staff session. The model: which tokens were issued, when each was first used and runs out."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.staff("social_worker:L319")
        self.clock = self.world.clock
        self.started = self.clock.now()
        done = log_in(self.world.parts, username="staff1", password=PASSWORD, client_address=None)
        self.tokens = [done.tokens.refresh_token]
        self.until = [self.started + timedelta(hours=8)]
        self.used: dict[int, datetime] = {}
        self.alive = True

    def _expect(self, index: int) -> bool:
        now = self.clock.now()
        in_time = now < self.started + timedelta(days=30)
        if not (self.alive and in_time):
            return False
        if index in self.used and now - self.used[index] >= GRACE:
            self.alive = False
        good = self.alive and now < self.until[index]
        if good:
            self.used.setdefault(index, now)
        return good

    @rule(data=st.data())
    def present(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.tokens) - 1))
        self._present(index)

    @rule()
    def present_the_newest(self) -> None:
        self._present(len(self.tokens) - 1)

    def _present(self, index: int) -> None:
        if self._expect(index):
            fresh = refresh_session(self.world.parts, refresh_token=self.tokens[index]).refresh_token
            assert fresh not in self.tokens
            self.tokens.append(fresh)
            absolute = self.started + timedelta(days=30)
            self.until.append(min(self.clock.now() + timedelta(hours=8), absolute))
        else:
            with pytest.raises(SessionEnded):
                refresh_session(self.world.parts, refresh_token=self.tokens[index])

    @rule(hours=st.sampled_from([1, 7, 8, 24 * 10]))
    def wait(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule(seconds=st.sampled_from([1, 9, 10]))
    def wait_a_moment(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def sign_out(self) -> None:
        log_out(self.world.parts, refresh_token=self.tokens[0])
        self.alive = False

    @invariant()
    def what_is_kept_is_what_happened(self) -> None:
        mine = {self.world.parts.data.index_refresh_token(token) for token in self.tokens}
        rows = [row for row in self.world.rows(refresh_token) if bytes(row.token_index) in mine]
        assert sorted(row.used_at for row in rows if row.used_at is not None) == sorted(self.used.values())
        assert len(rows) == len(self.tokens)
        family = self.world.rows(session, session.c.id == rows[0].session_id)[0]
        assert (family.revoked_at is None) == self.alive


def test_families_behave_as_the_model(world: World) -> None:
    class OnThisDatabase(Families):
        pass

    OnThisDatabase.world = world
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
