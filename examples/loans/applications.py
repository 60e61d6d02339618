"""Makes up loan applications: as a CSV file to learn from, or as events on a Kafka topic.

    python examples/loans/applications.py 4000 > loans.csv
    python examples/loans/applications.py 1000 BROKER TOPIC

It has nothing to do with churn: docs/contracts.md scores these with the same job. Of the events,
one in twenty breaks a rule of the contract.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from random import Random

from confluent_kafka import Producer

Application = dict[str, object]

PURPOSES = {"car": -0.2, "home": -0.6, "studies": 0.0, "business": 0.7}
REGIONS = {"BE": 0.2, "HH": -0.1, "MV": 0.3, "BY": -0.4}
EMPLOYMENTS = {"employed": -0.5, "self-employed": 0.3, "none": 1.0, None: 0.5}
BROKEN_ONE_IN = 20
NO_HISTORY = 600


def applications(seed: int) -> Iterator[Application]:
    """Without end; each with what came of it, `defaulted`."""
    rng = Random(seed)
    for number in range(1_000_000):
        purpose, region = rng.choice([*PURPOSES]), rng.choice([*REGIONS])
        employment = rng.choice([*EMPLOYMENTS])
        amount, months = round(rng.uniform(500, 60_000), 2), rng.randint(6, 120)
        income, missed = round(rng.lognormvariate(7.9, 0.4), 2), rng.choice([0, 0, 0, 1, 2, 5])
        score = rng.choice([None, rng.randint(300, 850), rng.randint(300, 850)])
        log_odds = PURPOSES[purpose] + REGIONS[region] + EMPLOYMENTS[employment]
        log_odds += 4 * amount / months / income + 0.5 * missed
        log_odds += (NO_HISTORY - (score or NO_HISTORY)) / 80 - 3.5
        application: Application = {
            "loan_id": f"L-{number:06}",
            "applied_at": datetime.now(UTC).isoformat(),
            "purpose": purpose,
            "region": region,
            "employment": employment,
            "amount": amount,
            "months": months,
            "income": income,
            "balance": round(rng.gauss(800, 1_500), 2),
            "missed_payments": missed,
            # The agency writes half of its scores as text.
            "credit_score": " " if score is None else rng.choice([score, str(score)]),
            "defaulted": "yes" if rng.random() < 1 / (1 + math.exp(-log_odds)) else "no",
        }
        yield {name: value for name, value in application.items() if value is not None}


def events(seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each application, as it comes in: nobody knows yet what will come of it."""
    rng = Random(seed)
    for number, application in enumerate(applications(seed), 1):
        del application["defaulted"]
        key = str(application["loan_id"]).encode()
        if number % BROKEN_ONE_IN == 0:
            application |= rng.choice(
                [{"amount": 7}, {"months": 6.5}, {"purpose": "a boat"}, {"credit_score": "good"}]
            )
        yield key, json.dumps(application).encode()


def main(count: str, broker: str = "", topic: str = "") -> None:
    """Writes so many rows to standard output, or sends so many events."""
    if not broker:
        rows = list(islice(applications(seed=1), int(count)))
        names = {name: None for row in rows for name in row}
        writer = csv.DictWriter(sys.stdout, [*names])
        writer.writeheader()
        writer.writerows(rows)
        return
    producer = Producer({"bootstrap.servers": broker})
    for key, value in islice(events(seed=2), int(count)):
        producer.produce(topic, value, key)
        producer.poll(0)
    if left := producer.flush(30):
        sys.exit(f"{left} events were not sent: is Kafka at {broker}, with a topic {topic}?")


if __name__ == "__main__":
    main(*sys.argv[1:])
