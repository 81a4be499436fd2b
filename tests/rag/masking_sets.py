"""Sentences with numbers in them: those that tell who somebody is, and those that do not.

The first are made of every way in which such a number is usually written, put into what people write. The second are
collected (the bundled cases, the development questions) or made of numbers that must be left alone.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
SENTENCES = (
    "请打{}联系我",
    "{}",
    "我的是{}，退税几天到账？",
    "联系人王先生：{}。",
    "办营业执照（{}）找谁",
    "电话/证件 {} 请勿外传",
    "静安区的材料写的{}对吗",
    "资料：{}；地址：南京西路100号",
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Personal:
    """A sentence with a number in it.

    Attributes:
        kind: What the number is.
        number: As it is written.
        text: The sentence.
    """

    kind: str
    number: str
    text: str


def _digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def _mobile(dice: random.Random) -> str:
    number = f"1{dice.choice('3456789')}{_digits(dice, 9)}"
    a, b, c = number[:3], number[3:7], number[7:]
    return dice.choice(
        [number, f"{a} {b} {c}", f"{a}-{b}-{c}", f"+86 {number}", f"0086{number}", f"86-{number}"]
    )


def _landline(dice: random.Random) -> str:
    area = dice.choice(["010", "021", "025", "0512", "0571", "0755", "0891"])
    number = dice.choice("2345678") + _digits(dice, 7 if len(area) == 3 else dice.choice([6, 7]))
    return dice.choice(
        [
            f"{area}-{number}",
            f"{area}{number}",
            f"({area}){number}",
            f"（{area}）{number}",
            f"{area} {number}",
            f"{area}-{number[:-4]} {number[-4:]}",
            f"+86 {area[1:]} {number}",
        ]
    )


def _identity(dice: random.Random) -> str:
    born = date(1930, 1, 1) + timedelta(days=dice.randrange(33_000))
    area = dice.choice(["110105", "310106", "320583", "440305", "650102", "810000", "830000"])
    digits = f"{area}{born:%Y%m%d}{_digits(dice, 3)}"
    total = sum(int(a) * b for a, b in zip(digits, _WEIGHTS, strict=True))
    number = digits + "10X98765432"[total % 11]
    return dice.choice(
        [number, number.lower(), f"{number[:6]} {number[6:14]} {number[14:]}", _wide(number)]
    )


def _card(dice: random.Random) -> str:
    digits = dice.choice(["622202", "621700", "436742", "545217", "356833"]) + _digits(dice, 9)
    digits += _digits(dice, 3) if digits.startswith("62") else ""
    doubled = (int(d) * (2 - at % 2) for at, d in enumerate(reversed(digits)))
    number = digits + str(-sum(value // 10 + value % 10 for value in doubled) % 10)
    return dice.choice([number, " ".join(re.findall(".{1,4}", number)), _wide(number)])


def _mail(dice: random.Random) -> str:
    name = dice.choice(["zhang.san", "li_si88", "wang+work", "13812345678", "a"])
    return (
        f"{name}{dice.choice('@＠')}{dice.choice(['qq.com', 'example.gov.cn', 'mail.example.cn'])}"
    )


def _plate(dice: random.Random) -> str:
    head = f"{dice.choice('沪京苏浙粤川')}{dice.choice('ABCDEFG')}"
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    tail = dice.choice(
        [
            _digits(dice, 5),
            f"{dice.choice(letters)}{_digits(dice, 4)}",
            f"{_digits(dice, 3)}{dice.choice(letters)}{_digits(dice, 1)}",
            f"{dice.choice('DF')}{_digits(dice, 5)}",
            f"{_digits(dice, 4)}{dice.choice('挂学警')}",
        ]
    )
    return head + dice.choice(["", "·", " "]) + tail


def _permit(dice: random.Random) -> str:
    word, number = dice.choice(
        [
            ("护照", f"E{_digits(dice, 8)}"),
            ("护照", f"E{dice.choice('ABCDEFGH')}{_digits(dice, 7)}"),
            ("港澳通行证", f"C{_digits(dice, 8)}"),
            ("通行证", f"H{_digits(dice, 10)}"),
            ("居留证", f"CHN{_digits(dice, 12)}"),
        ]
    )
    return f"{word}{dice.choice(['', '号', '号码', '号码：', '：', '号是', '为'])}{number}"


def _wide(number: str) -> str:
    return number.translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ"))


KINDS: dict[str, Callable[[random.Random], str]] = {
    "mobile": _mobile,
    "landline": _landline,
    "identity": _identity,
    "card": _card,
    "mail": _mail,
    "plate": _plate,
    "permit": _permit,
}


def personal(each: int, seed: int) -> list[Personal]:
    """Make sentences that tell who somebody is, so many of each kind."""
    dice = random.Random(seed)  # noqa: S311 - the same sentences again
    made = []
    for kind, make in KINDS.items():
        for _ in range(each):
            number = make(dice)
            made.append(Personal(kind, number, dice.choice(SENTENCES).format(number)))
    return made


def collected() -> list[str]:
    """Collect what people wrote that has digits in it: the bundled cases by line, the development questions."""
    cases = next((ROOT / "data").glob("shanghai-2022*.txt")).read_text(encoding="utf-8")
    lines = [line for line in cases.splitlines() if re.search(r"[0-9０-９]", line)]
    asked = (ROOT / "eval" / "dev_questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in asked]
    texts = [str(one.get("question") or one.get("text") or one.get("query")) for one in questions]
    return lines + texts


def harmless(each: int, seed: int) -> list[str]:
    """Make sentences with numbers that tell nothing of anybody, so many of each kind."""
    dice = random.Random(seed)  # noqa: S311 - the same sentences again
    return [
        dice.choice(SENTENCES[1:]).format(make(dice)) for make in _HARMLESS for _ in range(each)
    ]


def _day(dice: random.Random) -> str:
    day = date(1990, 1, 1) + timedelta(days=dice.randrange(16_000))
    form = dice.choice(["%Y-%m-%d", "%Y年%m月%d日", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%m月%d日"])
    end = day + timedelta(days=dice.randrange(400))
    return dice.choice([day.strftime(form), f"{day:%Y%m%d}-{end:%Y%m%d}", f"{day:%Y.%m.%d} 09:30"])


def _file(dice: random.Random) -> str:
    office = dice.choice(
        ["沪府发", "沪府规", "沪府办规", "国办发", "国发", "沪市监规范", "浦府规", "静府办发"]
    )
    year, number = dice.randrange(1990, 2027), dice.randrange(1, 2000)
    left, right = dice.choice(["〔〕", "[]", "［］", "（）", "【】"])
    return f"{office}{left}{year}{right}{number}号"


def _article(dice: random.Random) -> str:
    law = dice.choice(["公司法", "优化营商环境条例", "行政许可法", "个人信息保护法"])
    return f"《{law}》第{dice.randrange(1, 300)}条第{dice.randrange(1, 9)}款"


def _credit_code(dice: random.Random) -> str:
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "".join(dice.choice(letters) for _ in range(7))
    return f"统一社会信用代码9131010{dice.randrange(1, 9)}MA1{body}"


def _amount(dice: random.Random) -> str:
    return dice.choice(
        [
            f"{dice.randrange(1, 10**9):,}元",
            f"{dice.random() * 1000:.2f}亿元",
            f"{dice.randrange(13_000_000_000, 20_000_000_000)}元",
            f"{dice.randrange(1, 10**6)}户",
            f"{dice.random() * 100:.8f}%",
            f"同比增长{dice.randrange(1, 100)}.{dice.randrange(10)}%",
        ]
    )


def _hotline(dice: random.Random) -> str:
    return dice.choice(
        ["12345", "12366", "12315", "110", "10086", "400-820-5555", "800-820-1234", "95588"]
    )


def _place(dice: random.Random) -> str:
    start = dice.randrange(40_000)
    case = "".join(dice.choice("0123456789abcdef") for _ in range(10))
    return dice.choice(
        [
            f"c{case}:{start}-{start + 300}",
            f"邮编{dice.randrange(200_000, 202_200)}",
            f"{start}号楼1302室",
        ]
    )


def _licence(dice: random.Random) -> str:
    return dice.choice(
        [
            f"沪ICP备{_digits(dice, 8)}号",
            f"沪B2-{_digits(dice, 8)}",
            f"沪公网安备{_digits(dice, 10)}号",
            f"GB/T {_digits(dice, 5)}-2019",
            f"沪GDP{_digits(dice, 4)}亿元",
            f"沪A级企业{_digits(dice, 3)}家",
        ]
    )


_HARMLESS = (_day, _file, _article, _credit_code, _amount, _hotline, _place, _licence)
