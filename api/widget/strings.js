// Everything that the element says: Chinese|English. {n} and {m} are filled in.

const STRINGS = {
  label: "请输入您的问题|Your question",
  placeholder: "例如：退税几天到账？|退税几天到账？",
  ask: "提问|Ask",
  stop: "停止|Stop",
  again: "重试|Try again",
  scope: "检索范围：|Search in: ",
  district: "区|District",
  collection: "案例集|Collection",
  year: "年份|Year",
  all: "全部|All",
  examples: "可以这样问|You could ask",
  history: "刚才问过|Asked before",
  question: "相关问题|Questions",
  case: "打开案例|Open a case",
  suggested: "{n} 条建议，按上下键选择|{n} suggestions",
  searching: "正在检索…|Searching…",
  writing: "正在生成回答|Writing the answer",
  answer: "回答|Answer",
  extractive: "原文摘录|Verbatim",
  llm: "AI 生成|AI-generated",
  extractiveNote: "以上语句均摘自案例原文，以原文为准。|Quoted from the cases; the originals prevail.",
  llmNote: "以上由 AI 根据原文整理，以原文为准。|Worded by AI; the originals prevail.",
  done: "回答完成，引用 {n} 处|Answer complete, {n} sources",
  stopped: "已停止，没有完成。|Stopped.",
  cut: "连接中断，没有完成。|Connection lost.",
  evidence: "依据|Evidence",
  found: "找到 {n} 段，来自 {m} 个案例|{n} passages from {m} cases",
  refused: "没有找到依据|No evidence found",
  not_in_collection: "案例集里没有相关内容，请换个说法。|No case answers this. Try other words.",
  not_in_district: "该区的案例里没有相关内容，请放宽检索范围。|No case of that district answers this.",
  low_confidence: "案例集里没有能够回答的内容，请换个说法。|No case answers this. Try other words.",
  nearest: "最接近的案例（不是答案）|Nearest cases (no answer)",
  more: "更多相关段落|More passages",
  unnamed: "未写明区|No district stated",
  other: "其他区|other district",
  rank: "排名 {n}|rank {n}",
  open: "查看原文|Original",
  newWindow: "（在新窗口打开）| (new window)",
  copy: "复制引文|Copy citation",
  copyAnswer: "复制回答和出处|Copy with sources",
  copied: "已复制|Copied",
  copyFailed: "请手动复制|Please copy by hand",
  basis: "依据 {n}：{m}|Source {n}: {m}",
  supports: "见回答第 {n} 句|See sentence {n}",
  verdict: "这个回答有用吗？|Was this useful?",
  useful: "有用|Useful",
  notUseful: "没有用|Not useful",
  reasons: "哪里不好？可选多项|What is wrong?",
  off_topic: "答非所问|Off topic",
  incomplete: "不完整|Incomplete",
  wrong_place: "出处不对|Wrong source",
  wrong_district: "不是要找的区|Wrong district",
  outdated: "已过时|Outdated",
  send: "提交|Send",
  thanks: "谢谢，您的意见已收到。|Thank you.",
  notSent: "没有送达，请稍后再试。|Not sent.",
  error: "暂时无法回答|No answer now",
  offline: "网络已断开，请检查后重试。|The network is down.",
  unreachable: "检索服务没有应答，请稍后重试或联系管理员。|The service is silent. Try later.",
  denied: "本页面未获准使用检索服务，请管理员把本页域名加入允许名单。|This page may not use the service.",
  busy: "现在提问的人较多，请 {n} 秒后重试。|Too busy. Try again in {n} s.",
  invalid: "这个问题无法检索，请改正后重试。|This cannot be searched.",
  broken: "检索服务出错，请稍后重试或联系管理员。|The service failed. Try later.",
};

/** Questions of this genre, whatever city and year, where the page does not bring its own. */
const EXAMPLES = ["企业退税能不能自动到账？", "开办企业要多久？", "老年人不会上网，有人帮忙办事吗？"];

/**
 * Words for an element in a language.
 * @param {string} lang A language tag; what is not English is answered in Chinese.
 * @returns {function(string, Object=): string} Looks a string up and fills it in.
 */
function wordsOf(lang) {
  return say.bind(null, lang.toLowerCase().startsWith("en") ? 1 : 0);
}

function say(column, key, values) {
  // A service that is newer than this script may have a kind of thing that has no words yet.
  const text = (STRINGS[key] || "|").split("|")[column];
  return values ? text.replace(/\{(\w)\}/g, (_, name) => values[name]) : text;
}
