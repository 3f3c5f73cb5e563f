"""The page about scaling: its figures and its picture are written by the benchmark."""

from benchmarks.report import ROOT, Report, Say
from benchmarks.scaling.experiments import Results

PAGE, PICTURE = ROOT / "docs" / "scaling.md", ROOT / "docs" / "scaling.svg"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
"In the page, the figures stand between these lines."


def write(report: Report, results: Results, say: Say) -> None:
    """Writes both or, where the picture cannot be drawn, neither, and says so."""
    try:
        from benchmarks.scaling.picture import draw
    except ModuleNotFoundError as error:
        say(f"not written: {PAGE}, since its picture cannot be drawn ({error}): pip install -r requirements-dev.txt")
        return
    PAGE.write_text(with_figures(PAGE.read_text(), report))
    draw(results, PICTURE)
    say(f"written: {PAGE} and {PICTURE}")


def with_figures(page: str, report: Report) -> str:
    """The page with the tables of this report instead of those it has."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    text = Report(report.tables, []).text()
    return f"{before}{BEGIN}\n```text\n{text}\n```\n\n{END}{after}"
