// A citation as a line of text, as a link, and as officials write it.

/** Names the districts of a case. */
function districtsOf(citation, words) {
  return citation.districts.length ? citation.districts : [words("unnamed")];
}

/** Says which collection, which rank in it, and the year where its title does not say it. */
function originOf(citation, words) {
  const parts = [citation.collection];
  if (citation.case_rank !== null) parts.push(words("rank", { n: citation.case_rank }));
  if (citation.year !== null && !citation.collection.includes(String(citation.year))) {
    parts.push(citation.year);
  }
  return parts.join(" · ");
}

/**
 * Makes an address out of what a service calls one.
 * @returns {?string} Null for anything but http and https, such as `javascript:`.
 */
function addressOf(base, path) {
  try {
    const url = new URL(/^\/(?!\/)/.test(path) ? path.slice(1) : path, base);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null; // no address at all
  }
}

/** Makes a link to the original, or its words alone where the address is none. */
function linkTo(base, path, text, words, label) {
  const href = addressOf(base, path);
  if (!href) return make("span", {}, text);
  const name = `${label || text}${words("newWindow")}`;
  return make("a", { class: "action", href, target: "_blank", rel: "noopener", "aria-label": name }, text);
}

/**
 * Cites as official documents do: the words, then district, title, collection, year, rank and section.
 * @param {string} quote
 */
function citationText(quote, { districts, title, collection, year, case_rank, section, url }, base) {
  const place = [`载《${collection}》`];
  if (year && !collection.includes(String(year))) place.push(`${year}年`);
  if (case_rank !== null) place.push(`排名第${case_rank}`);
  if (section.length) place.push(`“${section.join("—")}”`);
  return `“${quote}”（${districts.join("、")}《${title}》，${place.join("，")}）。\n原文：${addressOf(base, url) || ""}`;
}
