"""The pure parts of the benchmark harness: figures, counts, table, picture, payloads."""

from __future__ import annotations

import gc
import json
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.__main__ import find_works, parse
from benchmarks.chart import chart, share_of_target
from benchmarks.figures import Comparison, Cpu, Reading, Run, Series, Skipped
from benchmarks.loads import common
from benchmarks.processes import Load, LoadFailed, make_run

CPU = Cpu(1.0, 2.0, 3.0)


def a_comparison(
    ours: list[float], theirs: list[float], *, target: float, at_most: bool = False
) -> Comparison:
    """Rounds in which so many events a second were done."""

    def series(name: str, rates: list[float]) -> Series:
        return Series(name, [Run(round(rate), 1.0, CPU) for rate in rates])

    return Comparison(
        work="P1",
        label="a <work>",
        unit="events/s",
        ours=series("everlog", ours),
        theirs=series("peer", theirs),
        target=target,
        wanted="at most" if at_most else "at least",
    )


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    compared = a_comparison([100, 400, 90], [100, 100, 100], target=1.0)
    assert compared.ratios == [1.0, 4.0, 0.9]
    assert compared.ratio == 1.0
    assert compared.is_met


def test_less_is_better_where_at_most_is_wanted() -> None:
    slow = a_comparison([300], [100], target=2.0, at_most=True)
    fast = a_comparison([100], [100], target=2.0, at_most=True)
    assert (slow.is_met, fast.is_met) == (False, True)
    assert (share_of_target(slow), share_of_target(fast)) == (2 / 3, 2.0)


def test_a_run_whose_count_differs_fails() -> None:
    result = {"count": 99, "seconds": 1.0, "cpu_seconds": 0.5}
    with pytest.raises(LoadFailed, match="99, expected 100"):
        make_run(result, server=0.0, postgres=0.0, expected=100)


def test_a_run_keeps_what_else_was_measured() -> None:
    result = {"count": 10, "seconds": 2.0, "cpu_seconds": 0.5, "p50_ms": 3.0}
    run = make_run(result, server=0.1, postgres=0.2, expected=10)
    assert (run.rate, run.value("rate"), run.value("p50_ms")) == (5.0, 5.0, 3.0)
    assert run.cpu == Cpu(0.5, 0.1, 0.2)


def test_every_finding_has_a_row_and_its_json() -> None:
    findings = [
        a_comparison([10], [20], target=0.8),
        Reading("P6", "p99", "ms", 3.0, 10.0),
        Reading("P6", "p99", "ms", 3.0, None),
        Skipped("P9", "append", "no npm on this machine"),
    ]
    assert {len(report.row(finding)) for finding in findings} == {len(report.COLUMNS)}
    assert "0.50 (0.50–0.50)" in report.markdown(findings)  # noqa: RUF001 - a range
    assert "skipped: no npm on this machine" in report.markdown(findings)
    found = json.loads(json.dumps([report.as_json(finding) for finding in findings]))
    assert (found[0]["ratio"], found[0]["met"], found[3]["skipped"]) == (
        0.5,
        False,
        "no npm on this machine",
    )


def test_the_picture_is_well_formed_and_has_a_bar_for_each_comparison() -> None:
    compared = [a_comparison([10], [20], target=0.8), a_comparison([90], [1], target=1.0)]
    root = ElementTree.fromstring(chart(compared, "a & b"))  # noqa: S314 - our own text
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 2


@pytest.mark.parametrize("size", [48, 1024])
def test_payloads_are_json_objects_of_exactly_the_size(size: int) -> None:
    for text in (common.payload(size, 0), common.payload(size, 7_654_321)):
        assert len(text.encode()) == size
        assert isinstance(json.loads(text), dict)
    stamped = common.stamped_payload(size)
    assert (len(stamped), set(json.loads(stamped))) == (size, {"sent", "note"})
    assert 0 <= common.seconds_since_sending(stamped) < 60


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert common.percentile(values, 0.5) == 51.0
    assert common.percentile(values, 0.99) == 100.0
    assert common.percentile([1.0], 0.99) == 1.0


def test_works_are_found_in_the_order_of_their_numbers() -> None:
    keys = [work.key for work in find_works()]
    assert keys == sorted(keys, key=lambda key: int(key[1:]))
    assert len(set(keys)) == len(keys)


def test_without_options_every_work_is_run_in_three_rounds() -> None:
    told = parse([])
    assert (told.only, told.rounds, told.scale) == ("", 3, 1.0)


def test_a_load_leaves_no_pipe_open() -> None:
    with pytest.raises(LoadFailed, match="no_such could not prepare"), Load("no_such", {}):
        pass
    gc.collect()  # what is still open is a warning then, and each warning an error
