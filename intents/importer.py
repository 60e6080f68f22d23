"""Tell Rasa where this project keeps its training files (named in config.yml).

NLU lies in intents/<family>/nlu/, domain slices beside it, rules and stories in data/. The sentences lie in
data/texts/id/ and never reach Rasa: for every top-level `utter_*` key the importer makes one response that
carries only the key, so that editing a sentence needs no training. The files are named here, one by one:
Rasa's `--data` and `--domain` flags are ignored, and anything else in those folders is invisible to Rasa.
"""

from pathlib import Path
from typing import Any

import yaml
from rasa.shared.core.domain import Domain
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData


class LawangImporter(RasaFileImporter):
    """Read NLU from intents/, rules and stories from data/, response names from data/texts/."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
    ) -> None:
        root = Path(config_file or "config.yml").resolve().parent
        self._root = root
        self._sentences: TrainingData | None = None
        nlu = sorted(str(path) for path in root.glob("intents/*/nlu/*.yml"))
        core = sorted(
            str(path) for folder in ("rules", "stories") for path in root.glob(f"data/{folder}/*.yml")
        )
        super().__init__(config_file, domain_path, [*nlu, *core])

    def get_nlu_data(self, language: str | None = "id") -> TrainingData:
        """Read the sentences once: Rasa asks three times, and its own parser takes half of the training."""
        if self._sentences is None:
            read = [_Sentences().load(path) for path in self._nlu_files]
            self._sentences = TrainingData().merge(*read)
        return self._sentences

    def get_domain(self) -> Domain:
        """Merge the root domain, the families' slices and the responses named by the texts."""
        domain = Domain.load([self._root / "domain.yml", *sorted(self._root.glob("intents/*/domain.yml"))])
        named = {
            key: [{"custom": {"text_key": key}}]
            for key in response_keys(self._root)
            if key not in domain.responses
        }
        return domain.merge(Domain.from_dict({"responses": named})) if named else domain


class _Sentences(RasaYAMLReader):
    """Rasa's reader on the fast YAML parser, strict about the shape that intents/<family>/nlu uses."""

    def load(self, path: str) -> TrainingData:
        """Read one file.

        Raises:
            ValueError: it is not a list of intents under `nlu`.
        """
        self.filename = path
        text = Path(path).read_text(encoding="utf-8")
        content: Any = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        entries = content.get("nlu") if isinstance(content, dict) else None
        if not isinstance(entries, list) or set(content) - {"version", "nlu"}:
            raise ValueError(f"{path}: expected only `version` and a list under `nlu`")
        for entry in entries:
            if not isinstance(entry, dict) or not entry.get("intent") or not entry.get("examples"):
                raise ValueError(f"{path}: an entry without intent or examples")
        self._parse_nlu(entries)
        sentences = [_Sentence(data=m.data, time=m.time) for m in self.training_examples]
        return TrainingData(sentences, self.entity_synonyms)


class _Sentence(Message):
    """A sentence nobody changes once it is read: Rasa merges files by copying everything, again and again."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Sentence":
        return self


def response_keys(root: Path) -> list[str]:
    """List the top-level `utter_*` keys of data/texts/id.

    Raises:
        ValueError: a text file is not a mapping.
    """
    keys: set[str] = set()
    for path in sorted((root / "data" / "texts" / "id").glob("*.yml")):
        texts: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(texts, dict):
            raise ValueError(f"{path.name}: a text file is a mapping of key to sentence")
        keys.update(key for key in texts if str(key).startswith("utter_"))
    return sorted(keys)
