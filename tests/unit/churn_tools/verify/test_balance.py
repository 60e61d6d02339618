from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from churn_tools.verify.balance import Balance, Fate, Ledger
from churn_tools.verify.finding import NAMED, Finding
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.broker.read import RecordAddress

BEGIN, END = 3, 20
KEYS = [("raw", 0), ("raw", 1)]
places = st.tuples(st.integers(0, 1), st.integers(BEGIN, END - 1))
answers = st.lists(st.tuples(places, st.sampled_from(list(Fate))))


def balance_of(
    read: set[tuple[int, int]],
    answered: list[tuple[tuple[int, int], Fate]],
    begins: dict[int, int] | None = None,
) -> Balance:
    ledger = Ledger(
        Bounds({KEYS[0]: BEGIN, KEYS[1]: BEGIN}, {KEYS[0]: END, KEYS[1]: END}),
        lambda: {KEYS[0]: END + 2, KEYS[1]: END},
    )
    for place in read:
        ledger.read(event(place))
    for place, fate in answered:
        ledger.answered(event(place), fate)
    begins = begins or {0: BEGIN, 1: BEGIN}
    return ledger.balance({("raw", partition): begin for partition, begin in begins.items()})


def event(place: tuple[int, int]) -> RecordAddress:
    return RecordAddress("raw", *place)


@given(st.sets(places), answers)
def test_the_balance_is_what_sets_of_places_say(
    read: set[tuple[int, int]], answered: list[tuple[tuple[int, int], Fate]]
) -> None:
    scored = {place for place, fate in answered if fate is Fate.PREDICTION}
    refused = {place for place, fate in answered if fate is Fate.DEAD_LETTER}
    found = balance_of(read, answered)
    assert found.read == len(read)
    assert found.predictions == len(read & scored)
    assert found.dead_letters == len(read & refused)
    for finding, expected in (
        (found.lost, read - scored - refused),
        (found.invented, (scored | refused) - read),
        (found.in_both, scored & refused),
    ):
        assert finding == Finding(len(expected), [*map(event, sorted(expected))][:NAMED])
    assert found.repeated.count == len(answered) - len(Counter(answered))
    assert found.is_clean == (read == scored | refused and not scored & refused)
    assert (found.expired, found.later) == (0, 0)


def test_an_answer_to_a_record_that_is_no_longer_kept_has_expired() -> None:
    found = balance_of(set(), [((0, BEGIN - 1), Fate.PREDICTION)])
    assert (found.expired, found.is_clean) == (1, True)


def test_so_has_one_whose_record_went_while_the_source_was_read() -> None:
    found = balance_of(set(), [((0, 5), Fate.PREDICTION), ((0, 6), Fate.PREDICTION)], {0: 6, 1: 0})
    assert (found.expired, found.invented) == (1, Finding(1, [event((0, 6))]))


def test_an_answer_beyond_the_source_as_it_was_read_is_later_or_invented() -> None:
    beyond = [((0, END + 1), Fate.PREDICTION), ((0, END + 2), Fate.PREDICTION)]
    found = balance_of(set(), [*beyond, ((1, END), Fate.DEAD_LETTER)])
    assert found.later == 1
    assert found.invented == Finding(2, [event((0, END + 2)), event((1, END))])


def test_a_record_beyond_the_bounds_is_left_for_the_next_time() -> None:
    assert balance_of({(0, END), (7, BEGIN)}, []).read == 0


def test_a_million_records_fit_into_memory() -> None:
    ledger = Ledger(Bounds({KEYS[0]: 10**12}, {KEYS[0]: 10**12 + 10**6}))
    ledger.read(event((0, 10**12 + 5)))
    assert ledger.unanswered == 1
    ledger.answered(event((0, 10**12 + 5)), Fate.PREDICTION)
    assert ledger.unanswered == 0
    assert ledger.balance({KEYS[0]: 0}).is_clean


def test_an_answer_counts_only_for_the_record_whose_time_it_has() -> None:
    ledger = Ledger(Bounds({KEYS[0]: 0}, {KEYS[0]: 5}))
    for offset, time in enumerate((100, 101, -1, -1, 102)):
        ledger.read(event((0, offset)), time)
    for offset, made in enumerate((100, 55, 57, -1, None)):
        ledger.answered(event((0, offset)), Fate.PREDICTION, made)
    found = ledger.balance({KEYS[0]: 0})
    assert found.older == Finding(2, [event((0, 1)), event((0, 2))])
    assert found.lost == Finding(2, [event((0, 1)), event((0, 2))])
    assert found.predictions == 3, "an answer that does not tell is known by its place alone"
    assert not found.is_clean


def test_what_was_deleted_without_an_answer_is_named_while_all_answers_are_there() -> None:
    begins = {KEYS[0]: 10**12, KEYS[1]: 30}
    ledger = Ledger(Bounds(begins, begins))
    first = 10**12 - 100_000
    for offset in range(first, 10**12):
        if offset not in (first + 2, 10**12 - 1):
            ledger.answered(event((0, offset)), Fate.PREDICTION)
    ledger.answered(event((0, first + 7)), Fate.PREDICTION)
    found = ledger.balance({})
    # What was there before the job began is not its loss, and of partition 1 nobody knows.
    assert found.unread == Finding(2, [event((0, first + 2)), event((0, 10**12 - 1))])
    assert (found.deleted, found.is_clean) == (10**12 + 30, False)
    assert ledger.balance({}, outputs_are_whole=False).is_clean


def test_a_source_with_gaps_may_have_lost_the_record_of_an_answer() -> None:
    ledger = Ledger(Bounds({KEYS[0]: 0}, {KEYS[0]: 3}), has_gaps=True)
    ledger.read(event((0, 1)), 100)
    ledger.answered(event((0, 0)), Fate.PREDICTION, 99)
    found = ledger.balance({})
    assert (found.expired, found.invented.count, found.lost.count) == (1, 0, 1)
