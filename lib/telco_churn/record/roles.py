"""What the properties of a contract are for: each says so by `x-role`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from telco_churn.contract.schema import Contract, Field
from telco_churn.errors import SettingsError


def fields_by_role(
    contract: Contract, types: Mapping[str, str], optional: Collection[str] = ()
) -> dict[str, Field]:
    """The properties that have a role, by it, in the order of the contract.

    Args:
        contract: the rules of a message.
        types: the roles that there are, and the type that each wants.
        optional: those of them that may be left out.

    Raises:
        SettingsError: a role is unknown, given twice or to nothing, or to a property of another
            type; names the file and the property.
    """
    found: dict[str, Field] = {}
    for field in contract.fields:
        if field.role is None:
            continue
        where = f"contract {contract.name}: property {field.name}: x-role {field.role!r}"
        if field.role not in types:
            raise SettingsError(f"{where} is not known; use one of {', '.join(types)}")
        if field.role in found:
            raise SettingsError(f"{where} is {found[field.role].name}'s already; leave it to one")
        if field.rules["type"] != types[field.role]:
            wanted = types[field.role]
            raise SettingsError(f"{where} wants type {wanted}, not {field.rules['type']}")
        found[field.role] = field
    for role in types:
        if role not in found and role not in optional:
            raise SettingsError(
                f"contract {contract.name}: no property has x-role {role!r}; give it to one of "
                f"type {types[role]}"
            )
    return found


def two_words(contract: Contract, field: Field) -> tuple[str, str]:
    """The words for yes and no of a property with two values.

    Raises:
        SettingsError: it has not two.
    """
    words = field.rules.get("enum", [])
    if len(words) != 2 or words[0] == words[1]:
        raise SettingsError(
            f"contract {contract.name}: property {field.name}: x-role {field.role!r} wants an enum "
            f"of two words, the positive one first, not {words}"
        )
    return words[0], words[1]
