from __future__ import annotations

from telco_churn.rights.page import PAGE, page_with_rights, programs


def test_the_page_has_the_rights_as_they_are() -> None:
    page = PAGE.read_text("utf-8")
    assert page_with_rights(page) == page, "run: python -m telco_churn.rights.page"


def test_it_has_a_command_for_each() -> None:
    page = PAGE.read_text("utf-8")
    for user, rights in programs().values():
        for right in rights:
            assert f"$ {right.command('localhost:9092', user)}\n" in page
