"""The words of a report in Chinese and English: a table, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from eval.phrase import Phrase


def named(key: str) -> Phrase:
    """Name a class, type or group; a name that is not the report's own stands for itself."""
    return NAMES.get(key, Phrase(key, key))


NAMES: Final[Mapping[str, Phrase]] = MappingProxyType(
    {
        "not_indexed": Phrase("没有入库", "not indexed"),
        "cut": Phrase("被切断", "cut apart"),
        "dense_only": Phrase("只有向量找到", "found by vectors only"),
        "lexical_only": Phrase("只有字词找到", "found by terms only"),
        "lost_in_fusion": Phrase("融合时丢失", "lost in fusion"),
        "unfound": Phrase("都没找到", "found by neither"),
        "demoted": Phrase("被重排挤后", "pushed down by the reranker"),
        "better": Phrase("更好", "better"),
        "worse": Phrase("更差", "worse"),
        "indistinct": Phrase("无法区分", "cannot be told apart"),
        "fact": Phrase("事实", "fact"),
        "paraphrase": Phrase("换一种说法", "paraphrase"),
        "howto": Phrase("怎么办理", "how to"),
        "outcome": Phrase("成效", "outcome"),
        "compare": Phrase("比较", "comparison"),
        "multi": Phrase("哪些区", "several districts"),
        "district": Phrase("区名", "district"),
        "noisy": Phrase("错字、繁体、拼音", "noisy"),
        "unanswerable": Phrase("没有答案", "unanswerable"),
        "type": Phrase("问题类型", "question type"),
        "length": Phrase("问题字数", "question length"),
        "overlap": Phrase("与证据的字面重合", "overlap with evidence"),
        "script": Phrase("字体", "script"),
        "simplified": Phrase("简体", "simplified"),
        "traditional": Phrase("繁体", "traditional"),
        "<=10": Phrase("≤10 字", "≤10 characters"),
        "11-20": Phrase("11–20 字", "11–20 characters"),
        "21-40": Phrase("21–40 字", "21–40 characters"),
        ">40": Phrase(">40 字", ">40 characters"),
        ">=.6": Phrase("≥.6", "≥.6"),
        ".2-.4": Phrase(".2–.4", ".2–.4"),
        ".4-.6": Phrase(".4–.6", ".4–.6"),
        "named": Phrase("点名了区", "names a district"),
        "unnamed": Phrase("没有点名区", "names none"),
        "encode": Phrase("编码", "encode"),
        "dense": Phrase("向量", "dense"),
        "lexical": Phrase("字词", "lexical"),
        "fuse": Phrase("融合", "fuse"),
        "rerank": Phrase("重排", "rerank"),
        "build_s": Phrase("建立（秒）", "build s"),
        "none stated": Phrase("未写明", "none stated"),
        "answered_right": Phrase("答对", "answered, right"),
        "answered_wrong": Phrase("答错", "answered, wrong"),
        "abstained_right": Phrase("拒对", "abstained, right"),
        "abstained_wrong": Phrase("误拒", "abstained, wrong"),
        "dense@100": Phrase("向量前 100", "dense, top 100"),
        "lexical@100": Phrase("字词前 100", "lexical, top 100"),
        "dense@10": Phrase("向量前 10", "dense, top 10"),
        "lexical@10": Phrase("字词前 10", "lexical, top 10"),
        "either@10": Phrase("任一前 10", "either, top 10"),
        "either@100": Phrase("任一前 100", "either, top 100"),
        "fused@10": Phrase("融合前 10", "fused, top 10"),
        "fused@20": Phrase("融合前 20", "fused, top 20"),
    }
)
"""Classes, types, groups and stages as results name them."""

WORDS: Final[Mapping[str, Phrase]] = MappingProxyType(
    {
        "title": Phrase("检索评测报告", "Retrieval evaluation report"),
        "language": Phrase("语言", "Language"),
        "contents": Phrase("目录", "Contents"),
        "questions": Phrase(
            "{n} 题，其中 {none} 题没有答案", "{n} questions, {none} of them without an answer"
        ),
        "started": Phrase("运行", "run"),
        "commit": Phrase("提交 {commit}", "commit {commit}"),
        "no_commit": Phrase("不在 git 中", "not under git"),
        "commits": Phrase(
            "提交 {first} – {last}（{n} 个不同的）", "commits {first} – {last} ({n} distinct)"
        ),
        "corpora": Phrase(
            "注意：这些结果的原文不同（{n} 份），差别可能出自原文而不是系统。{parts}",
            "Beware: these results are of {n} different collections of texts, so differences may stem from the texts rather than the systems. {parts}",
        ),
        "caption": Phrase(
            "n={n}，均值与 95% 区间（按题自助抽样）",
            "n={n}; means with 95% intervals (bootstrap over questions)",
        ),
        "family": Phrase(
            "结论只看 {measure}：每行一个比较，{m} 个为一族，p 按 Holm 校正，可见的差别按 .05/{m} 的水平计。区间一律未校正；其余指标只作描述，不下结论。",
            "Verdicts go by {measure} alone: one comparison a row, {m} in the family, p after Holm, the visible difference at the level .05/{m}. No interval is corrected; the other measures describe and carry no verdict.",
        ),
        "few": Phrase(
            "* 不足 10 题：区间不可靠，不宜下结论。",
            "* Fewer than 10 questions: the interval is unreliable, so draw no conclusion.",
        ),
        "costs": Phrase(
            "内存是进程峰值，含此前各行已载入的模型。建库时间不含取自缓存的向量：各行共用的编码只在首次计一次。",
            "Memory is the peak of the process, models loaded for earlier rows included. Build time leaves out vectors from the cache: encoding that rows share is counted once, where it was first done.",
        ),
        "summary_other": Phrase(
            "{system} 与 {above} 相比（{measure}）：差 {difference} [{low}, {high}]，{p}（未校正，只作描述）。",
            "{system} against {above} ({measure}): difference {difference} [{low}, {high}], {p} (uncorrected, descriptive).",
        ),
        "summary_first": Phrase(
            "{system} 是这里唯一的一行，没有可比的系统。",
            "{system} is the only row here; there is nothing to compare it with.",
        ),
        "summary_absent": Phrase(
            "{system} 要与 {above} 比较，但这里没有 {above} 的结果。",
            "{system} is to be compared with {above}, whose result is not here.",
        ),
        "summary_unshared": Phrase(
            "{system} 与 {above} 没有共同的首要指标，无法比较。",
            "{system} and {above} do not share the first primary measure and cannot be compared.",
        ),
        "summary": Phrase(
            "{system} 与 {above} 相比（{measure}）：{words}，差 {difference} [{low}, {high}]。",
            "{system} against {above} ({measure}): {words}, difference {difference} [{low}, {high}].",
        ),
        "table": Phrase("总表", "Results"),
        "system": Phrase("系统", "System"),
        "against": Phrase("与对照行比（{measure}）", "Against the row compared with ({measure})"),
        "than": Phrase("比 {above}：", "than {above}:"),
        "latency": Phrase("p50 / p95（毫秒）", "p50 / p95 ms"),
        "memory": Phrase("内存峰值（MB）", "Peak memory MB"),
        "build": Phrase("建库（秒）", "Build s"),
        "index": Phrase("索引（MB）", "Index MB"),
        "baseline": Phrase("对照起点", "first row"),
        "above_absent": Phrase("没有 {above} 的结果", "no result of {above}"),
        "nothing_shared": Phrase("没有共同的首要指标", "first measure not in both"),
        "wtl": Phrase(
            "胜 {wins}，平 {ties}，负 {losses}", "{wins} won, {ties} tied, {losses} lost"
        ),
        "power": Phrase(
            "n={n} 时，{system} 与 {above} 的 {measure} 只看得出不小于 {detectable} 的差别（双侧 .05/{m}，功效 80%）；",
            "With n={n}, {system} against {above} shows differences in {measure} from {detectable} up (two-sided .05/{m}, power 80%); ",
        ),
        "needed": Phrase(
            "要看出 .010 的差别需 {n} 题。", "to see a difference of .010 takes {n} questions."
        ),
        "needed_none": Phrase(
            "各题的差完全相同，所需题数无从估计。",
            "every question differs by the same, so the number needed cannot be estimated.",
        ),
        "pairs": Phrase("成对比较", "Paired comparisons"),
        "pairs_note": Phrase(
            "p 为随机化检验。结论只有首要指标有，其 p 按 Holm 在各行的首要指标之内校正；其余指标的 p 与全部区间都未校正，只作描述。横条：负、平、胜的题数。",
            "p from the randomization test. Only the first primary measure has a verdict, its p corrected by Holm over the rows' first measures; the p of the others and all intervals are uncorrected and describe. Bars: questions lost, tied, won.",
        ),
        "pair": Phrase("系统 ← 对照", "System ← compared with"),
        "measure": Phrase("指标", "Measure"),
        "difference": Phrase("差与 95% 区间", "Difference, 95% interval"),
        "p_raw": Phrase("p（未校正）", "p (uncorrected)"),
        "p_holm": Phrase("p（Holm）", "p (Holm)"),
        "descriptive": Phrase("只作描述", "descriptive"),
        "all": Phrase("全部指标", "All measures"),
        "all_note": Phrase(
            "每个算出的指标：均值、95% 区间与题数。只有首要的几个参与比较。",
            "Every measure computed: mean, 95% interval, questions. Only the primary ones are compared.",
        ),
        "won": Phrase("负 / 平 / 胜", "Lost / tied / won"),
        "verdict": Phrase("结论", "Verdict"),
        "charts": Phrase("图", "Charts"),
        "forest": Phrase("{measure}：均值与 95% 区间", "{measure}: mean and 95% interval"),
        "pareto": Phrase(
            "质量与延迟：虚线左上方没有更好的系统",
            "Quality against latency: no system lies beyond the dotted line",
        ),
        "p50": Phrase("p50（毫秒）", "p50 (ms)"),
        "wins": Phrase(
            "{measure}：比对照行好（右）与差（左）的题数",
            "{measure}: questions better (right) and worse (left) than the row compared with",
        ),
        "stages": Phrase("各步的中位时间（毫秒）", "Median time by stage (ms)"),
        "latencies": Phrase("{system}：每题毫秒数", "{system}: milliseconds a question"),
        "groups": Phrase("分组", "By group"),
        "groups_note": Phrase(
            "各组的 {measure}；组内不足 10 题的标 *，区间很宽，不宜下结论。",
            "{measure} by group; groups under 10 questions carry *: their intervals are wide, so draw no conclusion.",
        ),
        "group": Phrase("组", "Group"),
        "misses": Phrase("没找到与没排第一", "Missed, or not ranked first"),
        "misses_none": Phrase(
            "每题的证据都排在第一。", "Every question has its evidence ranked first."
        ),
        "missed": Phrase("前 10 没有证据：{n} 题", "No evidence in the top 10: {n} questions"),
        "late": Phrase(
            "证据在前 10 但不在第一：{n} 题", "Evidence in the top 10 but not first: {n} questions"
        ),
        "ceilings": Phrase(
            "上限：候选里的证据占比", "Ceilings: share of evidence among the candidates"
        ),
        "question": Phrase("问题", "Question"),
        "evidence": Phrase("证据", "Evidence"),
        "ranks": Phrase("向量 / 字词 / 融合", "Dense / lexical / fused"),
        "rank": Phrase("证据名次", "Rank of evidence"),
        "class": Phrase("原因", "Cause"),
        "first": Phrase("排第一的是", "Ranked first instead"),
        "nothing_found": Phrase("什么也没找到", "nothing was found"),
        "no_excerpt": Phrase(
            "报告里没有这段的文字（{unit}）", "the report holds no text of {unit}"
        ),
        "holder": Phrase("证据在第 {rank} 名", "evidence at rank {rank}"),
        "flips": Phrase("变化的题", "Questions that flipped"),
        "flips_none": Phrase(
            "没有一行有对照行的逐题结果。",
            "No row has the question-by-question result of the row it is compared with.",
        ),
        "flip": Phrase(
            "前 {k}：新找到 {gained} 题，丢失 {lost} 题", "Top {k}: {gained} gained, {lost} lost"
        ),
        "gained": Phrase("新找到", "gained"),
        "lost": Phrase("丢失", "lost"),
        "change": Phrase("名次", "Rank"),
        "abstention": Phrase("拒答", "Abstention"),
        "threshold": Phrase("阈值 {value}", "threshold {value}"),
        "coverage": Phrase("作答比例", "Coverage"),
        "risk": Phrase("作答中的错误比例", "Errors among the answered"),
        "target": Phrase("目标 {risk}", "target {risk}"),
        "risk_curve": Phrase(
            "风险与覆盖：只答把握最大的那些题时，错多少",
            "Risk and coverage: errors when only the most confident are answered",
        ),
        "confidences": Phrase(
            "把握的分布：上为有答案的 {yes} 题，下为没有答案的 {no} 题",
            "Confidence: {yes} answerable questions above, {no} unanswerable below",
        ),
        "confusion": Phrase("区名混淆", "District confusion"),
        "confusion_note": Phrase(
            "行：证据所在的区；列：排第一的段落所在的区。只标出错的格。",
            "Rows: district of the evidence; columns: district of the passage ranked first. Only errors are highlighted.",
        ),
        "faults": Phrase("切分缺陷", "Faults of the cutting"),
        "faults_note": Phrase(
            "这些引文被段落边界切断：要几段合起来才完整，都排上才算找到。",
            "A boundary cuts these quotes: they are whole in several passages together, and found when all of those are.",
        ),
        "faults_none": Phrase(
            "每个系统的段落都完整包含每条引文。",
            "Every quote is held whole by a passage, in every system.",
        ),
        "as_run": Phrase(
            "按它实际的作答与拒答计数。答对：作答，且前 {k} 段里有证据；拒对：拒答，且本来也给不出证据。",
            "As it answered and refused. Right answers have evidence in the top {k}; right refusals had none to show.",
        ),
        "areas": Phrase(
            "AUROC {auroc}，AUGRC {augrc}（越小越好），nAUC {nauc}（1 为理想排序）",
            "AUROC {auroc}, AUGRC {augrc} (lower is better), nAUC {nauc} (1 is ideal)",
        ),
        "auroc": Phrase(
            "{value} [{low}, {high}]（有答案的 {yes} 题与没有答案的 {no} 题）",
            "{value} [{low}, {high}] ({yes} answerable against {no} unanswerable questions)",
        ),
        "learnt": Phrase(
            "目标是作答中的错误不超过 {target}：阈值 {threshold} 在 {learn} 题上学，在另外 {test} 题上数。",
            "With errors among the answered to stay within {target}: threshold {threshold}, learnt on {learn} questions and counted on the {test} others.",
        ),
        "crossed": Phrase(
            "交叉校准：两半轮换，每题都按在另一半上学到的阈值数一次。",
            "Cross-fitted: both ways round, so that each question is counted at a threshold learnt on the other half.",
        ),
        "rates": Phrase(
            "作答比例 {coverage}；作答中的错误比例 {risk}（95% Wilson 区间）",
            "Coverage {coverage}; errors among the answered {risk} (95% Wilson intervals)",
        ),
        "share": Phrase(
            "{value} [{low}, {high}]（{some}/{n}）", "{value} [{low}, {high}] ({some}/{n})"
        ),
        "agreed": Phrase("{all} 题中 {n} 题的区相符", "{n} of {all} in the right district"),
        "encoded": Phrase("新编码 {n} 条", "{n} newly encoded"),
        "classes": Phrase("原因看各路的前 10 名：", "Causes go by the top 10 of each ranking:"),
        "provenance": Phrase("来历", "Provenance"),
        "reproduce": Phrase("重现", "Reproduce"),
    }
)
"""The report's own text."""
