"""Lexical search over the catalogue: a service added today is found today, without training.

BM25 over words plus overlap of character trigrams (typos, clitics). Titles, aliases and old names weigh
more than requirements. Scores are between 0 and 1 and say how much of the question the service explains.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from intents.catalog import Catalog, Service
from intents.normaliser import tokens

K1, B = 1.2, 0.4
WEIGHTS = {"title": 3.0, "aliases": 3.0, "old_names": 3.0, "id": 1.5, "produk": 1.0, "persyaratan": 0.3}
# Words of asking, not of the thing asked for.
_STOP = (
    "yang di ke dari dan atau untuk dengan saya kamu kita apa bagaimana mana berapa kapan siapa "
    "kenapa mau bisa tidak sudah belum ada ini itu ya saja sekali lagi masih harus juga kalau tolong "
    "mohon minta maaf selamat pagi siang sore malam bapak ibu kakak admin urus urusan mengurus "
    "membuat buat bikin cara caranya syarat syaratnya biaya lama jam buka tempat informasi info cek "
    "pada oleh punya nya dong sih kan deh kok min halo permisi terima kasih layanan surat kartu kota "
    "online proses lewat dulu daftar mengajukan ajukan pengajuan izin kantor dinas dimana sini sana "
    "bawa perlu butuh dapat"
)
_SOFT = "surat kartu izin daftar layanan pajak kota informasi cek dinas perlu butuh"
STOP, SOFT = frozenset(_STOP.split()), frozenset(_SOFT.split())


def words(text: str) -> list[str]:
    """Return the searchable words of `text`; common asking words are dropped, soft ones kept at low
    weight."""
    return [token for token in tokens(text) if token.isalnum() and (token not in STOP or token in SOFT)]


def trigrams(word: str) -> set[str]:
    padded = f" {word} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


class Search:
    """An index over one catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._weights: dict[str, dict[str, float]] = {}
        self._phrases: dict[str, list[list[str]]] = {}
        document_frequency: Counter[str] = Counter()
        for service in catalog.services.values():
            weights = _weigh(service)
            self._weights[service.id] = weights
            document_frequency.update(weights)
            self._phrases[service.id] = [
                tokens(name) for name in (service.title, *service.aliases, *service.old_names)
            ]
        count = max(1, len(catalog.services))
        self._idf = {
            word: math.log(1 + (count - n + 0.5) / (n + 0.5)) for word, n in document_frequency.items()
        }
        self._unseen = math.log(1 + count)
        lengths = [sum(weights.values()) for weights in self._weights.values()]
        mean = sum(lengths) / len(lengths) if lengths else 1.0
        self._norms = {service: 1 - B + B * sum(w.values()) / mean for service, w in self._weights.items()}
        self._postings: dict[str, dict[str, float]] = defaultdict(dict)
        for service_id, weights in self._weights.items():
            for word, weight in weights.items():
                self._postings[word][service_id] = weight
        self._by_gram: dict[str, set[str]] = defaultdict(set)
        for word in self._idf:
            if len(word) > 3:
                for gram in trigrams(word):
                    self._by_gram[gram].add(word)
        self._near: dict[str, tuple[tuple[str, float], ...]] = {}

    def find(self, text: str, tenant: str | None = None, limit: int = 3) -> list[tuple[str, float]]:
        """Return up to `limit` (service id, score) of what `tenant` offers, best first; nothing fits →
        empty."""
        asked = set(words(text))
        if not asked or not self._weights:
            return []
        total = sum(self._ask_weight(word) for word in asked)
        sums: dict[str, float] = defaultdict(float)
        for word in asked:
            best: dict[str, float] = {}
            for near, alike in self._similar(word):
                for found, weight in self._postings[near].items():
                    best[found] = max(best.get(found, 0.0), weight * alike)
            share = self._ask_weight(word)
            for found, weight in best.items():
                sums[found] += share * weight / (weight + K1 * self._norms[found])
        whole = tokens(text)
        present = set(whole)
        scored = []
        for service in self.catalog.services_for(tenant):
            if service.id in sums:
                phrase = max((_contained(p, whole, present) for p in self._phrases[service.id]), default=0.0)
                scored.append(
                    (service.id, round(min(1.0, 0.75 * sums[service.id] / total + 0.25 * phrase), 4))
                )
        scored.sort(key=lambda pair: -pair[1])
        return scored[:limit]

    def _ask_weight(self, word: str) -> float:
        weight = self._idf.get(word, self._unseen if self._similar(word) else 0.35 * self._unseen)
        return weight * (0.4 if word in SOFT else 1.0)

    def _similar(self, word: str) -> tuple[tuple[str, float], ...]:
        """Return known words that could be meant by `word`, with how alike they are (1 = the same)."""
        if word not in self._near:
            if len(self._near) > 20_000:
                self._near.clear()
            near = [(word, 1.0)] if word in self._idf else []
            if not near and len(word) > 3:
                grams = trigrams(word)
                shared = Counter(other for gram in grams for other in self._by_gram.get(gram, ()))
                for other, common in shared.most_common(8):
                    alike = 2 * common / (len(grams) + len(trigrams(other)))
                    if alike >= 0.55:
                        near.append((other, alike * alike))
            self._near[word] = tuple(near)
        return self._near[word]


def _weigh(service: Service) -> dict[str, float]:
    weights: dict[str, float] = {}

    def add(texts: Iterable[str | None], weight: float) -> None:
        for text in texts:
            for word in words(text or ""):
                weights[word] = max(weights.get(word, 0.0), weight * (0.5 if word in SOFT else 1.0))

    add([service.title], WEIGHTS["title"])
    add(service.aliases, WEIGHTS["aliases"])
    add(service.old_names, WEIGHTS["old_names"])
    add([service.id.replace("_", " ")], WEIGHTS["id"])
    add([service.produk], WEIGHTS["produk"])
    add(service.persyaratan, WEIGHTS["persyaratan"])
    return weights


def _contained(phrase: list[str], text: list[str], present: set[str]) -> float:
    """Return how much of a name stands in `text`, word after word: 1 for the whole name, more words count
    more."""
    if not phrase or not present.issuperset(phrase):
        return 0.0
    for i in range(len(text) - len(phrase) + 1):
        if text[i : i + len(phrase)] == phrase:
            return min(1.0, 0.4 + 0.2 * len(phrase))
    return 0.0
