"""A vocabulary trimmed to the scripts that are kept: the same pieces, the same embeddings."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.errors import ModelError
from rag.preparation.vocabulary import trim_tokenizer

# Cyrillic, kana and Greek stand between what is kept, so that ids have to move.
PIECES = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("привет", -5.0),
    ("▁", -3.0),
    ("营商", -6.0),
    ("かな", -6.0),
    ("营", -9.0),
    ("商", -9.0),
    ("环境", -6.5),
    ("▁the", -4.0),
    ("ō", -8.0),
    ("，", -4.0),
    ("\uff21", -9.0),
    ("2022", -7.0),
    ("a", -5.0),
    ("😀", -9.0),
    ("ω", -30.0),  # the lowest score
    ("ь", -7.0),
    ("<mask>", 0.0),
]
TEXTS = [
    "营商环境，2022",
    "the 营商 a，环境",
    "营商\uff21ō😀",
    "龘营商",  # a kept character without a piece
    "商环境 the a the",
    "",
]


def a_tokenizer(**model: object) -> str:
    template = [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "<mask>", "type_id": 0}},
    ]
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {
                    "id": i,
                    "content": PIECES[i][0],
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                    "special": True,
                }
                for i in (0, 1, 2, 3, 20)
            ],
            "normalizer": None,
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": template,
                "pair": template,
                "special_tokens": {
                    "<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                    "<mask>": {"id": "<mask>", "ids": [20], "tokens": ["<mask>"]},
                },
            },
            "decoder": None,
            "model": {"type": "Unigram", "unk_id": 3, "vocab": PIECES, **model},
        }
    )


def test_pieces_of_other_scripts_are_dropped_but_for_the_lowest_score() -> None:
    trimmed = trim_tokenizer(a_tokenizer())
    dropped = set(range(len(PIECES))) - set(trimmed.kept.tolist())
    assert [PIECES[i][0] for i in sorted(dropped)] == ["привет", "かな", "ь"]
    vocabulary = [piece for piece, _ in json.loads(trimmed.text)["model"]["vocab"]]
    assert vocabulary == [PIECES[i][0] for i in trimmed.kept]


def test_pieces_with_latin_letters_come_last_so_that_chinese_ones_lie_together() -> None:
    trimmed = trim_tokenizer(a_tokenizer())
    assert [PIECES[i][0] for i in trimmed.kept] == [
        *("<s>", "<pad>", "</s>", "<unk>", "▁", "营商", "营", "商", "环境", "，"),
        *("\uff21", "2022", "😀", "ω", "<mask>", "▁the", "ō", "a"),
    ]


def test_kept_text_is_split_into_the_same_pieces_with_the_same_embeddings() -> None:
    full, trimmed = a_tokenizer(), trim_tokenizer(a_tokenizer())
    before, after = Tokenizer.from_str(full), Tokenizer.from_str(trimmed.text)
    table = np.random.default_rng(1).normal(size=(len(PIECES), 4))
    for text in TEXTS:
        old, new = before.encode(text), after.encode(text)
        assert new.tokens == old.tokens
        np.testing.assert_array_equal(table[trimmed.kept][new.ids], table[old.ids])


def test_letters_of_other_scripts_become_the_unknown_piece() -> None:
    tokenizer = Tokenizer.from_str(trim_tokenizer(a_tokenizer()).text)
    encoding = tokenizer.encode("营商привет")
    assert encoding.ids[-2] == 3
    assert encoding.tokens[-1] == "<mask>"


def test_a_tokenizer_that_cannot_be_trimmed_safely_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^无法裁剪 BPE 分词器，应为不带字节回退的 Unigram$"):
        trim_tokenizer(a_tokenizer(type="BPE"))
    with pytest.raises(ModelError, match=r"^无法裁剪 Unigram 分词器，应为不带字节回退的 Unigram$"):
        trim_tokenizer(a_tokenizer(byte_fallback=True))
