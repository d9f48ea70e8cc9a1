"""Explains the failed assertions of modules that tests share."""

import pytest

pytest.register_assert_rewrite("tests.journeys.credit_journey", "tests.journeys.credit_stage")
