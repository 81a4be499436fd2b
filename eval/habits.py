"""How else people ask: by keywords alone, or in a long message as one speaks.

Functions of the text and a seed alone, as `eval.perturbations` needs them.
"""

from __future__ import annotations

import hashlib
import re

HAN_RUN = re.compile(r"[\u4e00-\u9fff]+")
GRAMMAR = re.compile(
    r"什么样|什么|怎么样|怎么|怎样|如何|多少|多久|多长|哪些|哪里|哪个|哪家|为什么|为啥|是不是|能不能|有没有|可不可以"
    r"|可以|应该|需要|有关|关于|以及|我们|你们|他们|咱们|自己|请问|一共|现在|之后|以后|之前|时候"
    r"|[的了是在有和与及或就都也还把被让给对从到为于以其之这那哪几吗呢吧啊呀个我你他它们想要会能去来跟像用靠该谁啥很最]"
)
_KEYWORD = 4
"""Characters of a keyword query; two short words, as in ``退税时间``."""
_SPOKEN = 300
"""Characters that a spoken message has at least."""
_BEFORE = (
    "喂，你好，能听见我说话吗？",
    "那个，我想跟您打听个事儿啊。",
    "是这么回事，我刚到这家单位没多久，以前也没弄过这些。",
    "前两天我问了一个朋友，他说他也讲不清楚，让我自己再来问问看。",
    "我昨天在手机上翻了半天，说什么的都有，越看越糊涂。",
    "上午打了好几个电话，不是占线就是没人接，可把我急坏了。",
    "嗯，我这个人嘴笨，要是讲得有点乱，您多担待。",
    "就是说吧，怎么讲呢，其实这事也不算复杂，可我就是没弄明白。",
    "领导催得紧，叫我今天下班以前一定要给他一个准话。",
    "我记得好像在哪儿看到过，可是当时没留心，回头再找就找不着了。",
)
_AFTER = (
    "嗯，反正大概就是这么个意思吧。",
    "要是我哪儿没说明白，您再问我就是了。",
    "不着急，您慢慢看，我在这儿等着。",
    "麻烦您帮我看一眼，谢谢啊，辛苦您了。",
    "上回那位同事人挺好的，就是讲得太快，我一句都没记住。",
    "对了，我普通话不太标准，您别见怪啊。",
)
_HESITATIONS = ("嗯，", "那个，", "就是说，", "呃，")


def keywords_of(text: str) -> str:
    """Keep four characters: the beginning of the longest run without grammar.

    Much of what was asked is lost with the rest; it is a measure of whether keywords are answered
    at all.

    Returns:
        Four Han characters, those of the first run where several are as long; the same text if no
        run has as many.

    >>> keywords_of("出口退税政策怎么申请？")
    '出口退税'
    """
    runs = [
        piece for run in HAN_RUN.findall(text) for piece in GRAMMAR.split(run) if len(piece) > 1
    ]
    longest = max(runs, key=len, default="")
    return longest[:_KEYWORD] if len(longest) >= _KEYWORD else text


def spoken(text: str, seed: str) -> str:
    """Wrap a question in small talk, as in a voice message, to 300 characters or a little more.

    Args:
        text: The question; it stands in the message as it is, but for a hesitation behind each
            comma.
        seed: What decides the small talk; a question's id.
    """
    hesitation = _HESITATIONS[digest_of(seed) % len(_HESITATIONS)]
    message = hesitation + text.replace("，", f"，{hesitation}")
    before = sorted(_BEFORE, key=lambda line: digest_of(f"{seed}:{line}"))
    after = sorted(_AFTER, key=lambda line: digest_of(f"{seed}:{line}"))
    while len(message) < _SPOKEN and (before or after):
        if before:
            message = before.pop() + message
        if after and len(message) < _SPOKEN:
            message += after.pop()
    return message


def digest_of(key: str) -> int:
    """A number that looks random and is the same everywhere; ``hash`` of a string is not."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
