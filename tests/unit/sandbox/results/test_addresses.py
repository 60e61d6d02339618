from __future__ import annotations

from pathlib import Path

from sandbox.results.addresses import Addresses

HTTP = "http://127.0.0.1:39011"
TOLD = f"21:00:01 INFO page at {HTTP}/, metrics at {HTTP}/metrics, health at {HTTP}/health\n"
PAGE = "21:00:05 INFO Spark's page is at http://127.0.0.1:4041\n"
STARTED = "21:00:09 INFO query churn started\n"


def test_the_table_is_told_once_the_query_has_started_and_each_address_was_tried(
    tmp_path: Path,
) -> None:
    console = tmp_path / "job.log"
    console.write_text(TOLD + PAGE)
    others = {"Kafka": "127.0.0.1:9", "prometheus": "http://127.0.0.1:9090"}
    tried: list[str] = []

    def answers(address: str) -> bool:
        tried.append(address)
        return "9090" not in address

    addresses = Addresses(console, others, answers)
    assert addresses.new_lines(is_up=False) == []
    console.write_text(TOLD + PAGE + STARTED)
    assert addresses.new_lines(is_up=False) == [
        f"  the page      {HTTP}/",
        f"  metrics       {HTTP}/metrics",
        f"  health        {HTTP}/health",
        "  Spark         http://127.0.0.1:4041",
        "  Kafka         127.0.0.1:9",
        "  prometheus    http://127.0.0.1:9090   does not answer",
    ]
    assert all(address.startswith("http") for address in tried)
    assert addresses.new_lines(is_up=True) == []


def test_a_job_that_tells_of_warnings_alone_has_the_others_in_its_table(tmp_path: Path) -> None:
    console = tmp_path / "job.log"
    console.write_bytes(b"\xff\n")
    addresses = Addresses(console, {"Kafka": "127.0.0.1:9"}, lambda _: True)
    assert addresses.new_lines(is_up=False) == []
    assert addresses.new_lines(is_up=True) == ["  Kafka         127.0.0.1:9"]
