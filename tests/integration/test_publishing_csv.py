"""A customer file that is sent in several runs: stopped, killed, broken off, grown."""

from __future__ import annotations

import json
import signal
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from publishing import keys_in, records_in, running_job, totals_of, wait_for_records

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.command import main
from telco_churn.paths import read_schema

pytestmark = pytest.mark.usefixtures("own_log_directory")


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    columns = [name for name in read_schema("customer_event")["properties"] if name != "event_ts"]
    customers = islice(synthetic_customers(8), 300)
    rows = [",".join(str(customer[name]) for name in columns) for customer in customers]
    path = tmp_path / "telco.csv"
    path.write_text("\n".join([",".join(columns), *rows, ""]), "utf-8")
    return path


def customer_ids(csv_file: Path) -> list[str]:
    return [line.split(",")[0] for line in csv_file.read_text("utf-8").splitlines()[1:]]


def test_stopped_csv_run_goes_on_where_it_was_with_nothing_lost_or_doubled(
    broker: str, topic: str, csv_file: Path
) -> None:
    checkpoint = csv_file.with_name("at.json")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(checkpoint), "--batch-size", "40"]
    with running_job(broker, topic, *arguments, "--rate", "60") as job:
        wait_for_records(broker, topic, 60)
        job.send_signal(signal.SIGINT)
        output, errors = job.communicate(timeout=20)
    assert (job.returncode, "Traceback" in errors) == (0, False)
    sent = totals_of(output)[0]
    assert 60 <= sent < 300
    assert json.loads(checkpoint.read_text())["rows"] == sent
    assert keys_in(broker, topic).keys() == set(customer_ids(csv_file)[:sent])

    main(["--broker", broker, "--topic", topic, *arguments])
    assert keys_in(broker, topic) == Counter(customer_ids(csv_file))

    main(["--broker", broker, "--topic", topic, *arguments])
    assert len(records_in(broker, topic)) == 300


def test_line_that_is_no_csv_ends_the_run_and_what_comes_before_it_is_sent_and_known(
    broker: str, topic: str, csv_file: Path
) -> None:
    whole = csv_file.read_text("utf-8")
    lines = whole.splitlines()
    csv_file.write_text("\n".join([*lines[:150], f'"{lines[150]}', *lines[151:], ""]), "utf-8")
    checkpoint = csv_file.with_name("at.json")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(checkpoint), "--batch-size", "40"]
    with running_job(broker, topic, *arguments, "--log-level", "ERROR") as job:
        output, errors = job.communicate(timeout=30)
    assert job.returncode == 2
    assert errors == (
        f"produce_customers: --csv {csv_file}: line 151 has a quote that is not closed; mend that "
        "line, then send the rest\n"
    )
    assert totals_of(output) == [149, 0, 0]

    csv_file.write_text(whole, "utf-8")
    main(["--broker", broker, "--topic", topic, *arguments])
    assert keys_in(broker, topic) == Counter(customer_ids(csv_file))


def test_csv_that_has_grown_goes_on_behind_what_was_sent(
    broker: str, topic: str, csv_file: Path
) -> None:
    whole = csv_file.read_text("utf-8")
    csv_file.write_text("".join(whole.splitlines(keepends=True)[:201]), "utf-8")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(csv_file.with_name("at.json"))]
    main(["--broker", broker, "--topic", topic, *arguments])
    csv_file.write_text(whole, "utf-8")
    main(["--broker", broker, "--topic", topic, *arguments])
    assert keys_in(broker, topic) == Counter(customer_ids(csv_file))


def test_killed_csv_run_loses_nothing_and_doubles_less_than_a_batch(
    broker: str, topic: str, csv_file: Path
) -> None:
    checkpoint = csv_file.with_name("at.json")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(checkpoint), "--batch-size", "40"]
    with running_job(broker, topic, *arguments, "--rate", "60"):
        wait_for_records(broker, topic, 60)
    main(["--broker", broker, "--topic", topic, *arguments])
    keys = keys_in(broker, topic)
    assert keys.keys() == set(customer_ids(csv_file))
    assert 300 <= keys.total() <= 340
