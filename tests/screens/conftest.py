"""The stage and the people of the tests of the flow."""

from tests.flow.conftest import cast, open_stage, people, stage

__all__ = ["cast", "open_stage", "people", "stage"]
