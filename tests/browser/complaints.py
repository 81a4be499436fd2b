"""What a page complains of."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Page


@dataclass
class Complaints:
    """What a page complained of: policy violations, errors in its console, scripts that threw."""

    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """Take out the errors that a test brings about on purpose; there has to be one."""
        kept = [error for error in self.errors if part not in error]
        assert len(kept) < len(self.errors), (part, self.errors)
        self.errors[:] = kept


def watch(page: Page, complaints: Complaints) -> None:
    """Collect what a page complains of."""
    page.expose_function("reportViolation", lambda text: complaints.violations.append(text))  # noqa: PLW0108  Playwright marks the function, which a builtin refuses
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) =>"
        " reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));"
    )
    page.on("pageerror", lambda error: complaints.errors.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.errors.append(message.text) if message.type == "error" else None,
    )
