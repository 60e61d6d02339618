from __future__ import annotations

import pytest
from written_answers import Watched, of

from stream_telemetry.broker import lag
from stream_telemetry.metrics import catalogue


def test_progress_is_committed_when_it_has_changed(watched: Watched) -> None:
    watched.thread.start()
    watched.polled(2)
    assert watched.answers.commits == []
    watched.thread.advance(of({0: 4}))
    watched.polled(3)
    assert watched.answers.commits == [of({0: 4})]


def test_progress_is_committed_again_after_a_while_or_kafka_forgets_the_group(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "RECOMMIT_SECONDS", 0.05)
    watched.thread.start()
    watched.polled(10)
    assert watched.answers.commits == []
    watched.thread.advance(of({0: 4}))
    watched.polled(20)
    assert len(watched.answers.commits) >= 2
    assert watched.answers.commits[-1] == of({0: 4})


def test_a_commit_that_fails_is_counted_and_tried_again(watched: Watched) -> None:
    watched.answers.refuses_commits = True
    watched.thread.start()
    watched.thread.advance(of({0: 4}))
    watched.polled(2)
    assert watched.store.value(catalogue.COMMIT_ERRORS) >= 2
    watched.answers.refuses_commits = False
    watched.polled()
    assert watched.answers.commits[-1] == of({0: 4})


def test_the_end_commits_what_is_left(watched: Watched) -> None:
    watched.answers.is_away = True
    watched.thread.start()
    watched.thread.advance(of({0: 7}))
    watched.thread.finish(20)
    assert watched.answers.commits[-1] == of({0: 7})
