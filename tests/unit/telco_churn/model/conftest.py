from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from saved_models import fit_every_kind_of_stage, save_with_shipped_manifest

from churn_tools.customers.synthetic import synthetic_customers


@pytest.fixture(scope="session")
def every_kind(
    to_features: Callable[[Iterable[Mapping[str, object]]], DataFrame],
) -> PipelineModel:
    """A fitted pipeline that has every class that a model may have."""
    return fit_every_kind_of_stage(to_features(islice(synthetic_customers(seed=6), 60)).cache())


@pytest.fixture(scope="session")
def every_kind_saved(every_kind: PipelineModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`every_kind` on the disk, with a manifest; to be copied before it is changed."""
    return save_with_shipped_manifest(every_kind, tmp_path_factory.mktemp("models") / "every_kind")
