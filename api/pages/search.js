// The search page: one question at a time, its results as an ordered list.
// Offsets from the service count Unicode code points, so texts are cut by Array.from.
"use strict";

(() => {
  const form = document.getElementById("search-form");
  const question = document.getElementById("question");
  const district = document.getElementById("district");
  const button = form.querySelector("button");
  const examples = document.getElementById("examples");
  const status = document.getElementById("status");
  const results = document.getElementById("results");
  const title = document.title;
  let current = null; // the request under way: a newer one aborts it

  // textContent alone: nothing from the service or the address is ever read as markup.
  function element(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function marked(text, highlights) {
    const characters = Array.from(text);
    const fragment = document.createDocumentFragment();
    let position = 0;
    for (const [start, end] of highlights) {
      fragment.append(characters.slice(position, start).join(""));
      fragment.append(element("mark", "", characters.slice(start, end).join("")));
      position = end;
    }
    fragment.append(characters.slice(position).join(""));
    return fragment;
  }

  function origin(citation) {
    const parts = [citation.collection];
    if (citation.case_rank !== null) parts.push(`排名 ${citation.case_rank}`);
    if (citation.year !== null && !citation.collection.includes(String(citation.year))) {
      parts.push(`${citation.year} 年`);
    }
    return parts.join(" · ");
  }

  function result(passage) {
    const { citation } = passage;
    const item = element("li", "result");
    const head = element("h2", "result-head");
    for (const name of citation.districts.length ? citation.districts : ["未写明区"]) {
      head.append(element("span", "badge", name), " ");
    }
    if (passage.other_district) head.append(element("span", "other-district", "（其他区）"), " ");
    head.append(element("span", "result-title", citation.title));
    item.append(head, element("p", "result-origin", origin(citation)));
    if (citation.section.length) {
      item.append(element("p", "result-place", citation.section.join(" › ")));
    }
    const text = element("blockquote", "result-text");
    text.append(marked(passage.text, passage.highlights));
    const foot = element("p", "result-foot");
    const link = element("a", "", "查看原文");
    link.href = citation.url;
    link.setAttribute("aria-label", `查看原文：${citation.title}，第 ${passage.rank} 条`);
    foot.append(link);
    item.append(text, foot);
    return item;
  }

  function showAnswer(answer) {
    const nodes = [];
    if (!answer.passages.length) {
      nodes.push(element("p", "notice", "未找到相关段落。请换个说法，或放宽区的范围。"));
    } else if (answer.abstained) {
      nodes.push(element("p", "notice", "未找到直接答案，以下为最接近的段落"));
    }
    const list = element("ol", "results");
    list.append(...answer.passages.map(result));
    nodes.push(list);
    results.replaceChildren(...nodes);
    status.textContent = answer.passages.length
      ? `${answer.passages.length} 个段落，用时 ${Math.max(1, Math.round(answer.took_ms))} 毫秒`
      : "没有结果";
  }

  function showError(detail) {
    const notice = element("p", "notice error", detail);
    notice.setAttribute("role", "alert");
    results.replaceChildren(notice);
    status.textContent = "";
  }

  async function search() {
    const query = question.value.trim();
    if (!query) return;
    if (current) current.abort();
    const mine = (current = new AbortController());
    button.setAttribute("aria-busy", "true");
    examples.hidden = true;
    status.textContent = "正在检索…";
    document.title = `${query} · ${title}`;
    const filters = district.value ? { district: [district.value] } : {};
    try {
      const response = await fetch("/api/v1/search", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ query, filters }),
        signal: mine.signal,
      });
      const body = await response.json();
      if (response.ok) showAnswer(body);
      else showError(body.detail);
    } catch (error) {
      // An aborted request has a successor, which reports for itself.
      if (error.name !== "AbortError") showError("连接不上检索服务。请检查网络后重试。");
    } finally {
      if (current === mine) {
        current = null;
        button.removeAttribute("aria-busy");
      }
    }
  }

  function address() {
    const parameters = new URLSearchParams({ q: question.value.trim() });
    if (district.value) parameters.set("district", district.value);
    return `/?${parameters}`;
  }

  function go() {
    if (!question.value.trim()) return;
    if (address() !== location.pathname + location.search) history.pushState(null, "", address());
    search();
  }

  // The address decides what is shown, so that it can be shared and the back button works.
  function restore() {
    const parameters = new URLSearchParams(location.search);
    question.value = parameters.get("q") || "";
    district.value = parameters.get("district") || "";
    if (district.selectedIndex < 0) district.value = "";
    if (question.value.trim()) {
      search();
      return;
    }
    if (current) current.abort();
    document.title = title;
    results.replaceChildren();
    status.textContent = "";
    examples.hidden = false;
    question.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });
  // While an input method composes, Enter chooses a word. Safari ends the composition before the
  // key's event, hence the key code.
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) {
      event.preventDefault();
    }
  });
  examples.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    question.value = link.textContent;
    go();
  });
  addEventListener("popstate", restore);
  if (location.pathname === "/") restore(); // /search came with its results
})();
