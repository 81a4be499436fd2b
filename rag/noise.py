"""The noise floor of an index: what questions about something else reach in it.

A cosine says nothing by itself: for one encoder unrelated texts score .66, for another .84. So every
index measures, when it is built, where its zero is, and dense scores count from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

UNRELATED = (
    "你好，在吗？",
    "今天天气怎么样？",
    "红烧肉怎么做才好吃？",
    "世界上最高的山是哪座？",
    "猫为什么怕水？",
    "这首歌是谁唱的？",
    "地球到月亮有多远？",
    "唐朝是哪一年建立的？",
    "怎么学好英语口语？",
    "感冒了应该吃什么药？",
    "孙悟空的师父是谁？",
    "一元二次方程怎么解？",
    "手机屏幕碎了怎么办？",
    "足球比赛一场踢多久？",
    "光合作用需要什么条件？",
    "给我讲个笑话吧",
    "推荐几部好看的电影",
    "长颈鹿一天睡几个小时？",
    "钢琴有多少个键？",
    "北极熊吃企鹅吗？",
    "这个周末去哪里玩？",
    "怎么给盆栽浇水？",
    "《红楼梦》的作者是谁？",
    "牛顿第二定律是什么？",
    "减肥期间能吃米饭吗？",
    "飞机为什么能飞起来？",
    "巴黎有什么好玩的地方？",
    "怎样才能睡得更好？",
    "恐龙是怎么灭绝的？",
    "西红柿炒鸡蛋先放什么？",
    "二战是什么时候结束的？",
    "你叫什么名字？",
    "圆周率前五位是多少？",
    "狗狗不吃饭怎么回事？",
    "吉他弦断了怎么换？",
    "为什么天空是蓝色的？",
    "最近有什么新游戏？",
    "骑自行车的技巧有哪些？",
    "咖啡和茶哪个更提神？",
    "蝴蝶是怎么长大的？",
)
"""Questions that no collection of policy cases answers; from greetings to school knowledge."""


def floor_of(cosines: Iterable[float]) -> float:
    """Take the noise floor of an index.

    Args:
        cosines: For each of `UNRELATED`, its cosine to the nearest sentence of the index.

    Returns:
        Their mean; 0 where it would be negative.

    Raises:
        ValueError: If there is none.
    """
    values = list(cosines)
    if not values:
        message = "a noise floor needs the cosine of at least one unrelated question"
        raise ValueError(message)
    return max(0.0, math.fsum(values) / len(values))
