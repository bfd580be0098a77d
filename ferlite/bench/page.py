"""A report as one self-contained HTML page: no scripts, nothing from elsewhere; light, dark, and for paper."""

from html import escape

from ferlite.bench import plots, text
from ferlite.bench.text import Report, Table

ABOUT = "How fast this machine finds faces in pictures and reads the emotions on them, with nothing but itself."
STYLE = """
:root { color-scheme: light dark; --page: #fbfbf9; --card: #fff; --ink: #1c1e21; --faint: #6a7076; --grid: #e2e3e0;
  --s1: #1f6fb4; --s2: #d1590f; --s3: #13896a; --s4: #a2488f; --s5: #b98a00; --good: #13896a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #15171a; --card: #1d2024; --ink: #e8e8e4; --faint: #9aa1a8;
  --grid: #34383d; --s1: #67b0ee; --s2: #f29457; --s3: #4fc7a1; --s4: #d692c6; --s5: #e3bf4d; --good: #4fc7a1;
  --bad: #ff8a80; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
header p { margin: 0 }
h1 { font-size: 1.1rem; font-weight: 600; margin: 0; }
.about { color: var(--faint); margin: 0 0 1rem; }
h2 { font-size: 1.05rem; margin: 0 0 .2rem; }
.figure { font-size: clamp(2.6rem, 9vw, 4.6rem); font-weight: 700; line-height: 1.05; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.unit { font-size: .35em; font-weight: 600; letter-spacing: 0; }
.faint, figcaption, caption { color: var(--faint) }
.facts { display: flex; flex-wrap: wrap; gap: .8rem 2.4rem; margin: 1.4rem 0; padding: 0; }
.facts dt { color: var(--faint); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.note { border-left: .3rem solid var(--s5); background: var(--card); padding: .6rem .9rem; margin: .8rem 0;
  overflow-wrap: anywhere; }
.note.bad { border-color: var(--bad); font-weight: 600; }
.plots { columns: 27rem 2; column-gap: 1rem; margin: 1.6rem 0; }
.plots figure { margin-bottom: 1rem; }
figure, section { margin: 0; padding: 1rem; background: var(--card); border: 1px solid var(--grid);
  border-radius: .6rem; break-inside: avoid; }
figure svg { display: block; width: 100%; max-width: 36rem; height: auto; margin: .4rem auto; }
figcaption { font-size: .85rem; }
section { margin-top: 1rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .8rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; color: var(--ink); font-size: 1.05rem; padding-bottom: .5rem; }
th, td { padding: .3rem .45rem; text-align: left; border-bottom: 1px solid var(--grid); white-space: nowrap; }
thead th { color: var(--faint); font-weight: 500; }
tbody th { font-weight: 400; }
.wide td { white-space: normal; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; }
footer { margin-top: 2rem; font-size: .85rem; color: var(--faint); overflow-wrap: anywhere; }
@media print { :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --faint: #555; --grid: #ccc;
  --s1: #1f6fb4; --s2: #d1590f; --s3: #13896a; --s4: #a2488f; --s5: #b98a00; --bad: #b3261e; }
  body { font-size: 10pt; padding: 0; max-width: none; }
  section { overflow: visible; padding: .4rem 0; border: 0; break-inside: auto; } tr { break-inside: avoid; }
  table { font-size: 7pt } th, td { padding: .15rem .25rem } .plots { columns: 2 } }
"""


def html(report: Report) -> str:
    """The page. Raises EngineError without matplotlib."""
    figures = "".join(
        f'<figure><h2>{escape(plot.title)}</h2><div role="img" aria-label="{escape(plot.title)}">{plot.svg}</div>'
        f"<figcaption>{escape(plot.caption)}</figcaption></figure>\n"
        for plot in plots.plots(report)
    )
    tables = "".join(_table(table) for table in text.tables(report))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(text.title(report))}: {escape(text.headline(report))}</title>
<style>{STYLE}</style>
</head>
<body>
{_header(report)}
<main>
<div class="plots">
{figures}</div>
{tables}
{_table(text.machine(report), "wide")}
</main>
{_footer(report)}
</body>
</html>
"""


def _header(report: Report) -> str:
    figure, unit, about = text.headline_parts(report)
    big = f'<p class="figure">{escape(figure)} <span class="unit">{escape(unit)}</span></p>' if figure else ""
    notes = [("note bad" if note.startswith("Not a reference") else "note", note) for note in text.notes(report)]
    banners = "".join(f'<p class="{kind}" role="note">{escape(note)}</p>' for kind, note in notes)
    top = f'<h1>{escape(text.title(report))}</h1>\n<p class="about">{ABOUT}</p>\n{big}\n<p>{escape(about)}</p>'
    return f"<header>\n{top}\n{_facts(report)}{banners}</header>"


def _facts(report: Report) -> str:
    row = text.best(report)
    facts = {}
    if row is not None:
        what = "results are younger" if row["step"] == "live" else "frames take less"
        facts = {
            f"half of the {what} than": f"{row['latency_ms']['p50']:.3g} ms",
            f"99 % of the {what} than": f"{row['latency_ms']['p99']:.3g} ms",
            "processor time a frame": f"{row['cpu_ms_per_frame']:.3g} ms",
        }
        accuracy = {model["model"]: model["accuracy"] for model in report["models"]}[row["model"]]
        if "test" in accuracy:
            facts["right on the test split"] = f"{accuracy['test']:.1%}"
    facts["measured"] = str(report["date"][:10])
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return f'<dl class="facts">{items}</dl>'


def _table(table: Table, kind: str = "") -> str:
    titles = "".join(_cell("th", title, i >= table.names, ' scope="col"') for i, title in enumerate(table.columns))
    head = f"<thead><tr>{titles}</tr></thead>" if any(table.columns) else ""
    rows = "".join(
        "<tr>"
        + "".join(
            _cell("th" if i == 0 else "td", cell, i >= table.names, ' scope="row"' if i == 0 else "")
            for i, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in table.rows
    )
    caption = f"<caption>{escape(table.caption)}</caption>"
    return f'<section class="{kind}" tabindex="0"><table>{caption}{head}<tbody>\n{rows}</tbody></table></section>\n'


def _cell(tag: str, content: str, is_number: bool, attributes: str) -> str:
    number = ' class="number"' if is_number else ""
    return f"<{tag}{number}{attributes}>{escape(content)}</{tag}>"


def _footer(report: Report) -> str:
    version = report["machine"].get("ferlite", "")
    commit = f", commit {report['commit']}" if report["commit"] else ""
    return (
        f"<footer>ferlite {escape(version + commit)}. Made by <code>{escape(report['command'])}</code>. Your own: "
        "<code>ferlite bench --output report/</code></footer>"
    )
