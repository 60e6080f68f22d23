"""Meta's own OpenAPI as a judge of both directions; LAWANG_META_OPENAPI names the file.

github.com/facebook/openapi, business-messaging-api_v23.0.yaml. As published hardly one of its own examples is
valid, so it is mended in memory; `Repaired.repairs` says what was done and why.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

REFERENCE = "#/components/schemas/"
MESSAGES = "/{Version}/{Phone-Number-ID}/messages"
SENT = {
    "text": "TextMessage",
    "image": "ImageMessage",
    "document": "DocumentMessage",
    "location": "LocationMessage",
    "interactive": "InteractiveMessage",
    "template": "TemplateMessage",
}
RECEIVED = {
    "text": "TextMessage_2",
    "image": "ImageMessage_1",
    "audio": "AudioMessage_1",
    "document": "DocumentMessage_1",
    "sticker": "StickerMessage_1",
    "location": "LocationMessage_1",
    "reaction": "ReactionMessage_1",
    "interactive": "InteractiveMessageReply",
    "button": "ButtonMessage",
    "order": "OrderMessage",
    "unsupported": "UnsupportedMessage",
}


@dataclass
class Repaired:
    """The specification, mended."""

    document: dict[str, Any]
    repairs: dict[str, int] = field(default_factory=dict)

    @property
    def schemas(self) -> dict[str, Any]:
        return self.document["components"]["schemas"]

    def count(self, what: str) -> None:
        self.repairs[what] = self.repairs.get(what, 0) + 1

    def problems(self, schema: str, value: object) -> list[str]:
        """What is wrong with a value by one schema."""
        judge = Draft202012Validator({"$ref": REFERENCE + schema, "components": {"schemas": self.schemas}})
        found = []
        for error in judge.iter_errors(value):
            deepest = max(error.context, key=lambda item: len(item.absolute_path)) if error.context else error
            found.append(f"{schema}/{'/'.join(map(str, deepest.absolute_path))}: {deepest.message[:160]}")
        return found

    def judge_sent(self, call: dict[str, Any]) -> list[str]:
        """A message of ours. Meta's file knows no user ids yet: such a call is judged with a phone."""
        given = {key: item for key, item in call.items() if key not in ("id", "recipient")}
        given.setdefault("to", "6281200000001")
        if given.get("status") == "read":
            return self.problems("MarkMessageRequestPayload", given)
        return self.problems(SENT[given["type"]], given)

    def judge_received(self, payload: dict[str, Any]) -> list[str]:
        """A webhook body; `from` is required by the file, so people without a phone are judged with one."""
        found = []
        for entry in payload["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                found += self.problems("Metadata", value["metadata"])
                for message in value.get("messages", []):
                    if message["type"] == "system":
                        continue  # the file has no such message
                    found += self.problems(RECEIVED[message["type"]], {"from": "6281200000001", **message})
                for status in value.get("statuses", []):
                    found += self.problems("Statuses", status)
        return found

    def examples(self) -> dict[str, Any]:
        """The file's own examples of messages to send."""
        request = self.document["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/json"]
        return {name: item["value"] for name, item in request["examples"].items()}


def read(path: Path) -> Repaired:
    """Read the file as published."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Repaired(yaml.load(path.read_text("utf-8"), Loader=loader))


def mend(spec: Repaired) -> Repaired:
    """Mend what keeps real messages from being valid."""
    _open_parts(spec, spec.schemas)
    schemas = spec.schemas
    schemas["BaseMessageProperties"]["required"].remove("recipient_type")
    spec.count("recipient_type is optional in practice")
    place = schemas["LocationMessage"]["allOf"][1]["properties"]["location"]["properties"]
    for name in ("latitude", "longitude"):
        place[name]["type"] = ["string", "number"]
        spec.count("an outgoing place is a number in the file's own example")
    schemas["InteractiveObject"]["properties"]["type"]["enum"] += ["location_request_message", "cta_url"]
    schemas["ActionObject"]["oneOf"].append(
        {
            "required": ["name"],
            "properties": {"name": {"enum": ["send_location"]}},
            "not": {"required": ["parameters"]},
        }
    )
    spec.count("a location request is no known kind")
    schemas["LanguageObject"]["required"] = ["code"]
    spec.count("a template's language.policy is required and in none of the examples")
    component = schemas["TemplateComponent"]["properties"]
    component["sub_type"]["enum"] += ["QUICK_REPLY", "URL", "flow", "FLOW", "copy_code", "COPY_CODE"]
    component["index"] = {"type": ["string", "integer"], "pattern": "^[0-9]$"}
    spec.count("a template button's index has the pattern ^[2-6, 11-14]$")
    _point_inbound_home(spec)
    reply = schemas["InteractiveMessageReply"]["allOf"][1]["properties"]["interactive"]["properties"]
    reply["type"]["enum"].append("nfm_reply")
    spec.count("an answer of a flow is no known kind")
    errors = schemas["UnsupportedMessage"]["allOf"][1]["properties"]["errors"]
    errors["items"] = {"$ref": f"{REFERENCE}ErrorObject_2"}
    spec.count("an unsupported message refers to the errors of calls; its own example has no type")
    inbound_place = schemas["LocationMessage_1"]["allOf"][1]["properties"]["location"]
    inbound_place["required"] = ["latitude", "longitude"]
    spec.count("a pin has neither name nor address")
    return spec


def _open_parts(spec: Repaired, node: Any, part: bool = False) -> None:
    """`additionalProperties: false` inside allOf refuses what the other parts allow."""
    if isinstance(node, dict):
        if part and node.get("additionalProperties") is False:
            del node["additionalProperties"]
            spec.count("additionalProperties: false inside allOf")
        for key, child in node.items():
            if key == "allOf":
                for item in child:
                    _open_parts(spec, item, True)
            elif key not in ("example", "examples"):
                _open_parts(spec, child)
    elif isinstance(node, list):
        for item in node:
            _open_parts(spec, item)


def _point_inbound_home(spec: Repaired) -> None:
    """Messages that come in are described by the schemas of those that go out: two parts have one name."""
    for name in set(RECEIVED.values()):
        for part in spec.schemas[name].get("allOf", []):
            if part.get("$ref") == f"{REFERENCE}BaseMessageProperties":
                part["$ref"] = f"{REFERENCE}BaseMessageProperties_1"
                spec.count("an inbound message refers to the outbound envelope")


def for_prism(spec: Repaired) -> dict[str, Any]:
    """The mended file with the calls we make only, for `prism mock`."""
    kept = (MESSAGES, "/{Version}/{Phone-Number-ID}/media")
    document = {**spec.document, "paths": {path: spec.document["paths"][path] for path in kept}}
    document["servers"] = [{"url": "http://127.0.0.1"}]
    body = document["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/json"]
    names = ("Message", "MarkMessageRequestPayload")
    body["schema"] = {"anyOf": [{"$ref": REFERENCE + name} for name in names]}
    return document
