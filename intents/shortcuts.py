"""The places where Lawang replaces a part of Rasa 3.6.21, all of them for speed or honesty, each one tested.

1. `RemoteAction._validate_action_result` checks the JSON schema itself against the meta-schema for every
   answer of an action (71 % of a turn). Ours looks at the answer's shape only.
2. TensorFlow is imported by Rasa's component registry even when no component uses it (about half of the
   start). Ours answers that import with empty modules; `uses_tensorflow` says when this must not be done.
3. Rasa opens a new HTTP session for every action call and hides a failed call behind an empty answer.
   `ActionLink` keeps one session and remembers the failure, so that the channel can report it.

tests/rasa/inside.py fails when the replaced methods change shape.
"""

import hashlib
import importlib.abc
import importlib.machinery
import inspect
import json
import sys
import types
from contextvars import ContextVar
from pathlib import Path
from typing import Any

# Fingerprints of what is replaced, of Rasa 3.6.21: another one means that this module must be read again.
REPLACED = {
    "RemoteAction._validate_action_result": "f8cdb4be68123961",
    "EndpointConfig.request": "ccdb778aed8208e2",
}
TENSORFLOW_COMPONENTS = (
    "DIETClassifier",
    "ResponseSelector",
    "LanguageModelFeaturizer",
    "ConveRTFeaturizer",
    "TEDPolicy",
    "UnexpecTEDIntentPolicy",
)
failures: ContextVar[list[str] | None] = ContextVar("failures", default=None)


def uses_tensorflow(config: Path) -> bool:
    """Say whether config.yml names a component that needs TensorFlow."""
    lines = (line.split("#")[0] for line in config.read_text(encoding="utf-8").splitlines())
    return any(name in line for line in lines for name in TENSORFLOW_COMPONENTS)


class _Absent(type):
    """A class that stands for anything a missing module would offer: subclassable, never usable."""

    def __getattr__(cls, name: str) -> "_Absent":
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _absent(f"{cls.__name__}.{name}")


def _absent(name: str) -> _Absent:
    def decorate(self: object, target: Any = None, *args: Any, **kwargs: Any) -> Any:
        return target

    return _Absent(name, (), {"__init__": lambda self, *args, **kwargs: None, "__call__": decorate})


class _AbsentModule(types.ModuleType):
    def __getattr__(self, name: str) -> _Absent:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        value = _absent(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class _AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    packages = frozenset({"tensorflow", "tensorflow_hub", "keras"})

    def find_spec(
        self, fullname: str, path: Any, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in self.packages:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: the module is empty on purpose."""


def skip_tensorflow(config: Path) -> bool:
    """Answer later imports of TensorFlow with empty modules, unless a component needs the real one.

    Call it before the first import of rasa. Returns whether TensorFlow is skipped.
    """
    if uses_tensorflow(config) or "tensorflow" in sys.modules:
        return False
    sys.meta_path.insert(0, _AbsentFinder())
    return True


def digest(function: Any) -> str:
    """Fingerprint of a function's source, for the test that notices a changed Rasa."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


def validate_answers_plainly() -> None:
    """Give RemoteAction a check of the answer's shape that costs nothing next to a JSON schema.

    Events of unknown kinds are still refused, by the reader of events right after it.
    """
    from jsonschema import ValidationError
    from rasa.core.actions.action import RemoteAction

    def _validate_action_result(self: RemoteAction, result: Any) -> bool:
        if isinstance(result, dict):
            events, responses = result.get("events", []), result.get("responses", [])
            named = isinstance(events, list) and all(
                isinstance(e, dict) and isinstance(e.get("event"), str) for e in events
            )
            if named and isinstance(responses, list) and all(isinstance(entry, dict) for entry in responses):
                return True
        raise ValidationError("the action server's answer is no list of events and responses")

    RemoteAction._validate_action_result = _validate_action_result


def action_link(url: str) -> Any:
    """Build the endpoint of the action server: one kept session, and failures that are remembered.

    Bodies of error answers are dropped: they repeat the citizen's words and would end in a log.
    """
    import aiohttp
    from rasa.utils.endpoints import ClientResponseError, EndpointConfig

    class ActionLink(EndpointConfig):
        _kept: aiohttp.ClientSession | None = None

        def session(self) -> aiohttp.ClientSession:
            if self._kept is None or self._kept.closed:
                connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=4)
                self._kept = aiohttp.ClientSession(
                    connector=connector, timeout=aiohttp.ClientTimeout(total=25)
                )
            return self._kept

        async def request(self, method: str = "post", json: Any = None, **kwargs: Any) -> Any:
            try:
                # rasa-sdk asks for a domain; ours is in the model and no action reads it, so it gets an empty
                # one.
                return await self._call({**json, "domain": {}})
            except ClientResponseError as error:
                if error.status != 400:
                    _failed(f"actions_{error.status}")
                raise
            except (aiohttp.ClientError, TimeoutError) as error:
                _failed("actions_unreachable")
                raise aiohttp.ClientConnectionError(type(error).__name__) from None

        async def _call(self, body: Any) -> Any:
            for attempt in (1, 2):
                try:
                    async with self.session().post(
                        self.url, json=body, timeout=aiohttp.ClientTimeout(total=25)
                    ) as answer:
                        if answer.status >= 400:
                            text = await answer.text() if answer.status == 400 else ""
                            raise ClientResponseError(answer.status, str(answer.reason), text)
                        return await answer.json()
                except aiohttp.ServerDisconnectedError:
                    # A kept connection may be closed by the server just as it is used again; once is normal.
                    if attempt == 2:
                        raise
            return None

    link = ActionLink(url)
    link.kwargs["enable_selective_domain"] = True
    return link


def _failed(reason: str) -> None:
    noted = failures.get()
    if noted is not None:
        noted.append(reason)


def payload(text: str) -> tuple[str, dict[str, Any]] | None:
    """Split a button's payload `/intent{"entity": "value"}` into intent and entities.

    Returns None for anything else.

    Raises:
        ValueError: it begins like a payload but its braces hold no JSON object.
    """
    if not text.startswith("/"):
        return None
    name, brace, rest = text[1:].partition("{")
    name = name.strip()
    if not name.replace("_", "").isalnum():
        return None
    if not brace:
        return name, {}
    values = json.loads(brace + rest)
    if not isinstance(values, dict):
        raise ValueError("a payload holds an object")
    return name, values
