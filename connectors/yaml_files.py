"""Read YAML strictly, and name every problem of a file the same way."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, as hassfest prints it: `[SCHEMA] app: manifest.yml: auth.secret: …`."""

    rule: str
    app: str
    file: str
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"[{self.rule}] {self.app}: {where}: {self.message}"


class ManifestError(Exception):
    """A manifest cannot be used. `problems` holds every reason, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load_yaml(path: Path, app: str) -> Any:
    """Read a YAML file; a key written twice is an error, numbers as keys become text.

    Raises:
        ManifestError: no file, not UTF-8, not YAML, a key twice, or a key that YAML reads as a truth value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestError([Problem("FILE", app, path.name, "", "is missing: create it")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError([Problem("FILE", app, path.name, "", f"cannot be read: {error}")]) from None
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, only stricter
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        said = getattr(error, "problem", None) or "is not YAML"
        raise ManifestError([Problem("YAML", app, path.name, line, said)]) from None


class _Loader(_Safe):  # type: ignore[misc, valid-type]
    """Safe, and strict about keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, bool):
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"key {key_node.value} is a truth value in YAML: quote it",
                    key_node.start_mark,
                )
            key = str(key)
            if key in result:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key} is written twice", key_node.start_mark
                )
            result[key] = self.construct_object(value_node, deep=True)
        return result
