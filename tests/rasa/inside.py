"""Our parts of Rasa, tested against Rasa 3.6.21 itself. Run by test_inside.py in Rasa's environment."""

# Rasa's environment has no pytest.
# ruff: noqa: PT009, PT027, E402

import ast
import asyncio
import json
import logging
import unittest
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
warnings.simplefilter("ignore")

from intents import shortcuts

SKIPPED = shortcuts.skip_tensorflow(ROOT / "config.yml")

import yaml
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.policies.rule_policy import RulePolicy
from rasa.model import get_latest_model
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActionExecutionRejected, UserUttered
from rasa.shared.nlu.training_data.loading import load_data
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa.utils.log_utils import configure_structlog

from intents.channel import BadTurn, TurnChannel
from intents.importer import LawangImporter, _Sentences, response_keys
from intents.policy import Rules
from intents.trackers import TurnTrackers, remember, restore

configure_structlog(logging.ERROR)
logging.getLogger("rasa").setLevel(logging.ERROR)
MODEL = get_latest_model(str(ROOT / "models"))
STATE = {
    "slots": {"complaint_topic": "pohon", "complaint_photo": []},
    "form": "complaint_form",
    "question": "complaint_review",
}


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def domain() -> Domain:
    return LawangImporter(str(ROOT / "config.yml")).get_domain()


class Shortcuts(unittest.TestCase):
    def test_rasas_replaced_methods_are_the_ones_that_were_read(self) -> None:
        self.assertEqual(
            shortcuts.REPLACED,
            {
                "RemoteAction._validate_action_result": shortcuts.digest(
                    RemoteAction._validate_action_result
                ),
                "EndpointConfig.request": shortcuts.digest(EndpointConfig.request),
            },
        )

    def test_the_plain_check_takes_answers_and_refuses_nonsense(self) -> None:
        stock = RemoteAction._validate_action_result
        try:
            shortcuts.validate_answers_plainly()
            action = RemoteAction("action_greet", None)
            good = {
                "events": [{"event": "slot", "name": "a", "value": 1}],
                "responses": [{"custom": {"text_key": "x"}}],
            }
            self.assertTrue(action._validate_action_result(good))
            for bad in (None, [], {"events": {}}, {"events": [{"name": "a"}]}, {"responses": ["x"]}):
                with self.assertRaises(ValidationError):
                    action._validate_action_result(bad)
        finally:
            RemoteAction._validate_action_result = stock

    def test_tensorflow_is_not_loaded(self) -> None:
        import tensorflow

        self.assertTrue(SKIPPED)
        self.assertIsNone(getattr(tensorflow, "__version__", None))

    def test_a_pipeline_that_needs_tensorflow_keeps_it(self) -> None:
        path = Path(self.enterContext(__import__("tempfile").TemporaryDirectory())) / "config.yml"
        path.write_text("pipeline:\n  - name: DIETClassifier\n")
        self.assertTrue(shortcuts.uses_tensorflow(path))
        path.write_text("pipeline:\n  - name: Own  # instead of DIETClassifier\n")
        self.assertFalse(shortcuts.uses_tensorflow(path))

    def test_payloads(self) -> None:
        self.assertEqual(shortcuts.payload('/choose{"value": "send"}'), ("choose", {"value": "send"}))
        self.assertEqual(shortcuts.payload("/greet"), ("greet", {}))
        self.assertIsNone(shortcuts.payload("halo /greet"))
        self.assertIsNone(shortcuts.payload("/ jalan rusak"))
        for broken in ('/choose{"value"', "/choose{1}"):
            with self.assertRaises(ValueError):
                shortcuts.payload(broken)


class Data(unittest.TestCase):
    def test_texts_reach_rasa_as_keys_only(self) -> None:
        responses = domain().responses
        for key in response_keys(ROOT):
            self.assertEqual(responses[key], [{"custom": {"text_key": key}}])

    def test_sentences_are_read_as_rasa_reads_them(self) -> None:
        path = str(next((ROOT / "intents" / "services" / "nlu").glob("*.yml")))
        ours = _Sentences().load(path).training_examples
        stock = load_data(path, "id").training_examples
        self.assertEqual([message.data for message in ours], [message.data for message in stock])

    def test_every_intent_has_a_rule(self) -> None:
        rules = [
            rule for path in (ROOT / "data" / "rules").glob("*.yml") for rule in read_yaml(path)["rules"]
        ]
        answered = {rule["steps"][0]["intent"] for rule in rules if "intent" in rule["steps"][0]}
        # Rasa answers its own three; the channel calls `restart` by another name.
        self.assertEqual(
            set(domain().intents) - answered,
            {"restart", "back", "session_start", "nlu_fallback"} & set(domain().intents),
        )

    def test_both_forms_let_the_same_asides_through_as_the_code(self) -> None:
        tree = ast.parse((ROOT / "actions" / "forms.py").read_text(encoding="utf-8"))
        value = next(n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "ASIDES")
        asides = set(ast.literal_eval(value.args[0]))
        for name, start in (("complaints", "report_complaint"), ("booking", "book_queue")):
            rules = read_yaml(ROOT / "data" / "rules" / f"{name}.yml")["rules"]
            aside = next(rule for rule in rules if rule["rule"].startswith("Answer aside"))
            self.assertEqual({step["intent"] for step in aside["steps"][0]["or"]}, asides - {start})


class Memory(unittest.TestCase):
    def test_a_state_survives_the_trip(self) -> None:
        tracker = restore("t", STATE, domain())
        self.assertEqual(remember(tracker), STATE)
        self.assertEqual(json.loads(json.dumps(remember(tracker))), STATE)

    def test_a_state_of_an_older_model_loses_only_what_is_gone(self) -> None:
        old = {"slots": {"gone": 1, "service": "ktp_hilang"}, "form": "old_form", "question": "x"}
        self.assertEqual(remember(restore("t", old, domain())), {"slots": {"service": "ktp_hilang"}})

    def test_turns_add_nothing_to_the_memory(self) -> None:
        tracker = restore("t", STATE, domain())
        for _ in range(200):
            tracker.update(UserUttered("halo", {"name": "greet"}))
            tracker.update(ActionExecuted("action_greet"))
        self.assertEqual(remember(tracker), STATE)


class FakeLink(EndpointConfig):
    """An action server in memory: greets, remembers who was greeted, and waits so that turns overlap."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1/webhook")
        self.fail: Exception | None = None

    async def request(self, method: str = "post", json: Any = None, **kwargs: Any) -> Any:
        await asyncio.sleep(0.01)
        if self.fail:
            shortcuts._failed("actions_unreachable")
            raise self.fail
        metadata = json["tracker"]["latest_message"]["metadata"]
        return {
            "events": [{"event": "slot", "name": "service", "value": metadata["turn_id"]}],
            "responses": [
                {"custom": {"text_key": "greeting.morning", "values": {"turn": metadata["turn_id"]}}}
            ],
        }


@unittest.skipUnless(MODEL, "no model is trained yet")
class Turns(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.link = FakeLink()
        cls.agent = Agent.load(MODEL, tracker_store=TurnTrackers(), action_endpoint=cls.link)
        cls.channel = TurnChannel(ROOT)

    def turn(self, text: str, turn_id: str = "t1", **more: Any) -> dict[str, Any]:
        metadata = {
            "tenant": "kota_mojokerto",
            "now": "2026-11-23T08:00:00+07:00",
            **more.pop("metadata", {}),
        }
        return {"turn_id": turn_id, "sender": "c1", "text": text, "metadata": metadata, "state": None, **more}

    async def test_concurrent_turns_do_not_mix(self) -> None:
        turns = [self.channel.answer(self.agent, self.turn("/greet", f"t{n}")) for n in range(40)]
        for n, answer in enumerate(await asyncio.gather(*turns)):
            self.assertEqual(answer["messages"][0]["values"], {"turn": f"t{n}"})
            self.assertEqual(answer["state"], {"slots": {"service": f"t{n}"}})
        self.assertEqual(TurnTrackers.live, {})

    async def test_a_response_without_an_action_is_a_key(self) -> None:
        answer = await self.channel.answer(self.agent, self.turn("/goodbye"))
        self.assertEqual([message["text_key"] for message in answer["messages"]], ["utter_goodbye"])

    async def test_a_failed_action_is_an_error_and_not_silence(self) -> None:
        self.link.fail = ClientResponseError(500, "oops", "")
        try:
            answer = await self.channel.answer(self.agent, self.turn("/greet"))
        finally:
            self.link.fail = None
        self.assertEqual(answer, {"error": "actions_unreachable"})

    async def test_photos_and_pins_speak_without_words(self) -> None:
        for metadata, intent in (
            ({"photos": [{"media_id": "m", "url": "u"}]}, "send_photo"),
            ({"location": {"lat": 1.0, "lon": 2.0}}, "send_location"),
        ):
            answer = await self.channel.answer(self.agent, self.turn("", metadata=metadata))
            self.assertEqual(answer["understanding"]["intent"]["name"], intent)

    async def test_nonsense_is_refused(self) -> None:
        for body in (
            None,
            [],
            {},
            self.turn(""),
            self.turn("/nothing_like_it"),
            self.turn('/choose{"value"'),
            self.turn("x" * 8001),
            {**self.turn("halo"), "metadata": {}},
            {**self.turn("halo"), "metadata": {"tenant": "kota_mojokerto", "now": "kapan-kapan"}},
            {**self.turn("halo"), "state": []},
            {**self.turn("halo"), "state": {"slots": 1}},
            {**self.turn("halo"), "turn_id": ""},
        ):
            with self.assertRaises(BadTurn):
                await self.channel.answer(self.agent, body)

    async def test_the_indexed_policy_predicts_what_the_stock_policy_does(self) -> None:
        policy = next(
            node.component if hasattr(node, "component") else node._component
            for name, node in self.agent.processor.graph_runner._instantiated_nodes.items()
            if "Rules" in name
        )
        self.assertIsInstance(policy, Rules)
        everything = self.agent.domain
        for intent in everything.intents:
            for form in (None, "complaint_form", "booking_form"):
                tracker = restore("t", {"slots": {}, "form": form, "question": f"{form}_x"}, everything)
                tracker.update(UserUttered("x", {"name": intent, "confidence": 1.0}), everything)
                steps: list[Any] = []
                if form:
                    steps.append(ActionExecutionRejected(form))
                for event in [None, *steps, ActionExecuted("action_answer_aside")]:
                    if event is not None:
                        tracker.update(event, everything)
                    ours = policy._find_action_from_rules(tracker, everything, False)
                    keys = Rules._get_possible_keys
                    Rules._get_possible_keys = RulePolicy._get_possible_keys
                    try:
                        stock = RulePolicy._find_action_from_rules(policy, tracker, everything, False)
                    finally:
                        Rules._get_possible_keys = keys
                    self.assertEqual(ours, stock, (intent, form))


if __name__ == "__main__":
    unittest.main()
