"""Requests to a collector that remember why the last one was not taken."""

from __future__ import annotations

from typing import Any

from requests import RequestException, Response, Session


class TellingSession(Session):
    """For an exporter, which keeps the reason to itself.

    Attributes:
        trouble: why the last request was not taken; empty when it was.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""

    def request(self, *words: Any, **options: Any) -> Response:
        """The answer to a request; raises RequestException without one."""
        try:
            answer = super().request(*words, **options)
        except Exception as error:
            self.trouble = str(_first_cause(error))
            raise
        self.trouble = "" if answer.status_code < 300 else f"{answer.status_code} {answer.reason}"
        if 300 <= answer.status_code < 400:
            # The exporters take this for success.
            raise RequestException(self.trouble)
        return answer


def _first_cause(error: BaseException) -> BaseException:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error
