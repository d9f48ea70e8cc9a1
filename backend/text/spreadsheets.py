"""Text in cells that spreadsheets must not run as a formula (OWASP, "CSV Injection")."""

from backend.text.invisible import remove_unseen

FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def to_plain_cell(text: str) -> str:
    """Return text on one line, without invisible characters.

    It has an apostrophe in front if a spreadsheet would take it for a formula.
    """
    line = " ".join(remove_unseen(text).split())
    return f"'{line}" if line.startswith(FORMULA_STARTS) else line
