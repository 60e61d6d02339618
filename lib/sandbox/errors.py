"""What can go wrong with the sandbox, each told in one line."""

from __future__ import annotations

from telco_churn.errors import ChurnStreamError


class SandboxError(ChurnStreamError):
    """The sandbox cannot start or go on: what is wrong, the value seen, what to do.

    Attributes:
        exit_code: 2 for what the user can mend on this machine; a child's own code where it is the
            child that failed; 5 when records are unaccounted for.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code
