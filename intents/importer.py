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
        nlu = sorted(str(path) for path in root.glob("intents/*/nlu/*.yml"))
        core = sorted(
            str(path) for folder in ("rules", "stories") for path in root.glob(f"data/{folder}/*.yml")
        )
        super().__init__(config_file, domain_path, [*nlu, *core])

    def get_domain(self) -> Domain:
        """Merge the root domain, the families' slices and the responses named by the texts."""
        domain = Domain.load([self._root / "domain.yml", *sorted(self._root.glob("intents/*/domain.yml"))])
        named = {
            key: [{"custom": {"text_key": key}}]
            for key in response_keys(self._root)
            if key not in domain.responses
        }
        return domain.merge(Domain.from_dict({"responses": named})) if named else domain


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
