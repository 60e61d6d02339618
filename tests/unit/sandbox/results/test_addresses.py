from __future__ import annotations

from pathlib import Path

from sandbox.results.addresses import Addresses

METRICS = (
    "21:00:01 INFO page at http://127.0.0.1:39011/, metrics at http://127.0.0.1:39011/metrics, "
    "health at http://127.0.0.1:39011/health\n"
)
PAGE = "21:00:05 INFO Spark's page is at http://127.0.0.1:4041\n"


def test_each_address_is_said_once_as_the_job_tells_it(tmp_path: Path) -> None:
    console = tmp_path / "job.log"
    addresses = Addresses(console)
    assert addresses.new_lines() == []
    console.write_text(METRICS)
    assert addresses.new_lines() == [
        "  page      http://127.0.0.1:39011/",
        "  metrics   http://127.0.0.1:39011/metrics",
        "  health    http://127.0.0.1:39011/health",
    ]
    assert addresses.new_lines() == []
    console.write_text(METRICS + PAGE)
    assert addresses.new_lines() == ["  Spark     http://127.0.0.1:4041"]
    console.write_text(METRICS + PAGE * 2)
    assert addresses.new_lines() == []


def test_a_job_without_pages_tells_of_none(tmp_path: Path) -> None:
    console = tmp_path / "job.log"
    console.write_bytes(b"21:00:01 INFO reading raw \xff\n")
    assert Addresses(console).new_lines() == []
