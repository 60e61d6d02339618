"""The kind of record that this project ships: customers, and what their model sees of them."""

from __future__ import annotations

from churn_tools.training.data import csv_columns
from telco_churn.paths import project_home
from telco_churn.record.kind import read_kind

CONTRACTS = project_home() / "conf" / "contracts"
CHURN = read_kind(CONTRACTS)
FEATURES = CHURN.features
CATEGORICAL_FEATURES, NUMERIC_FEATURES = FEATURES.categories, FEATURES.numbers
FEATURES_SCHEMA = FEATURES.schema
CSV_COLUMNS = csv_columns(CHURN)
