"""Trims a Unigram ``tokenizer.json`` to the pieces that Chinese and English text can contain.

multilingual-e5-small knows 250,002 pieces of a hundred languages. Fewer than half can occur here;
dropping the others halves the memory of tokenizer and embedding table, and changes nothing: a piece
can only be chosen for a text that contains its characters.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError

_SPACE = "▁"  # U+2581: how sentencepiece writes a space

# Letters with the tone marks of pinyin, and the two without: ü and ê.
_PINYIN = frozenset("āáǎàēéěèêếềīíǐìōóǒòūúǔùüǖǘǚǜńňǹḿ")

# Punctuation, symbols (emoji among them), numbers and separators of every script.
_KEPT_CATEGORIES = frozenset("PSNZ")


@dataclass(frozen=True, slots=True)
class TrimmedTokenizer:
    """A smaller tokenizer, and which of the old ids its ids were.

    Attributes:
        text: Content of the new ``tokenizer.json``.
        kept: Old id of each new id; int64, shape (pieces,). Rows of the embedding table are taken
            in this order.
    """

    text: str
    kept: NDArray[np.int64]


def trim_tokenizer(text: str) -> TrimmedTokenizer:
    """Keep pieces of Han, ASCII, pinyin letters, digits, punctuation, symbols and full-width forms.

    Special tokens stay whatever they are. So does the piece of the lowest score, since the cost of
    an unknown character is counted from it: with another lowest score, unknown characters could be
    split off elsewhere. On text of kept characters, segmentation is therefore identical. Of other
    scripts (Greek, kana, Cyrillic) every letter becomes the unknown piece.

    Pieces with Latin letters, four of five, come last. The table is mapped from its file, so what
    takes memory is the pages that hold a piece asked for: scattered among the others, the pieces
    of a few hundred Chinese questions stand on nearly all of them.

    Args:
        text: Content of a ``tokenizer.json`` whose model is Unigram.

    Raises:
        ModelError: If the model is of another kind, or can fall back to bytes.
    """
    record = json.loads(text)
    model = record["model"]
    if model["type"] != "Unigram" or model.get("byte_fallback"):
        message = f"无法裁剪 {model['type']} 分词器，应为不带字节回退的 Unigram"
        raise ModelError(message)
    pieces: list[tuple[str, float]] = model["vocab"]
    special = {token["id"] for token in record["added_tokens"]} | {model["unk_id"]}
    lowest = min(range(len(pieces)), key=lambda i: pieces[i][1])
    kept = [
        i
        for i, (piece, _) in enumerate(pieces)
        if i in special or i == lowest or all(map(_is_kept, piece))
    ]
    kept.sort(key=lambda i: i not in special and any(map(_is_latin, pieces[i][0])))
    new_ids = {old: new for new, old in enumerate(kept)}
    model["vocab"] = [pieces[i] for i in kept]
    model["unk_id"] = new_ids[model["unk_id"]]
    for token in record["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    _renumber_template(record["post_processor"], new_ids)
    return TrimmedTokenizer(
        text=json.dumps(record, ensure_ascii=False, separators=(",", ":")),
        kept=np.array(kept, dtype=np.int64),
    )


def _renumber_template(post_processor: Any, new_ids: dict[int, int]) -> None:
    """Put new ids into the template that adds special tokens."""
    if post_processor["type"] != "TemplateProcessing":
        message = f"无法裁剪后处理为 {post_processor['type']} 的分词器，应为 TemplateProcessing"
        raise ModelError(message)
    for token in post_processor["special_tokens"].values():
        token["ids"] = [new_ids[i] for i in token["ids"]]


@cache
def _is_latin(character: str) -> bool:
    """Whether a character is a letter of English or pinyin."""
    return character.lower() in _PINYIN or (character.isascii() and character.isalpha())


@cache
def _is_kept(character: str) -> bool:
    """Whether a piece may contain this character."""
    if character.isascii() or character == _SPACE or character.lower() in _PINYIN:
        return True
    if unicodedata.category(character)[0] in _KEPT_CATEGORIES:
        return True
    return unicodedata.name(character, "").startswith(("CJK ", "FULLWIDTH "))
