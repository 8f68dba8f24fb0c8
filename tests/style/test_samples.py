"""The samples of docs/API.md hold when something goes wrong, a misspelt name for example."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import pytest
from postgrest.exceptions import APIError

PAGE = Path(__file__).parents[2] / "docs" / "parts" / "calls.md"
MISSPELT = {
    "code": "PGRST202",
    "message": "Could not find the function public.send_massage in the schema cache",
    "details": "Searched for the function public.send_massage, but no matches were found.",
    "hint": "Perhaps you meant to call the function public.send_message",
}
TOO_LONG = {
    "code": "MESSAGE_TOO_LONG",
    "message": "A message has at most 5000 characters.",
    "details": '{"max": 5000, "length": 5012}',
    "hint": None,
}


@pytest.mark.parametrize("answer", [MISSPELT, TOO_LONG, {**TOO_LONG, "details": None}])
def test_the_python_sample_tells_what_was_refused(answer: dict[str, Any]) -> None:
    (sample,) = re.findall(r"^def call\(.*?(?=\n\n\n)", PAGE.read_text("utf-8"), re.DOTALL | re.M)

    class Refusing:
        def rpc(self, *_: Any) -> Refusing:
            return self

        def execute(self) -> Any:
            raise APIError(answer)

    module = types.ModuleType("sample")
    vars(module).update(client=Refusing(), APIError=APIError)
    exec(sample, vars(module))  # noqa: S102
    with pytest.raises(SystemExit, match=answer["code"]):
        module.call("send_massage")


def test_no_sample_parses_details_that_may_be_a_sentence() -> None:
    text = PAGE.read_text("utf-8")
    assert not re.search(r"JSON\.parse\(error|json\.loads\(error", text)
