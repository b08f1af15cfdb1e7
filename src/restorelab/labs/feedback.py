"""The page that a student gets back: one HTML file that asks nothing of any server, for light and dark screens and for readers aloud."""

import html
from collections.abc import Mapping, Sequence

from restorelab.labs.results import total
from restorelab.lesson.cards import rich

# kind -> mark and words: colour is never the only sign
_KINDS = {
    "passed": ("✓", "Passed the visible check"),
    "wrong": ("✗", "Not right yet"),
    "error": ("!", "Stopped by an error"),
    "stopped": ("!", "Ended before it was finished"),
    "not attempted": ("○", "Not attempted"),
    "missing": ("○", "No cell found"),
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --line: #c4c4c4; --soft: #555; --good: #1d6b33; --bad: #a3271c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #161616; --line: #4d4d4d; --soft: #b3b3b3; --good: #7fd095; --bad: #ff9d92; }
}
body { color: var(--ink); background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody th { font-weight: normal; }
.number { text-align: right; white-space: nowrap; }
.passed { color: var(--good); }
.wrong, .error, .stopped { color: var(--bad); }
.soft { color: var(--soft); }
p, li { overflow-wrap: anywhere; }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def page(student: str, results: Sequence[Mapping], titles: Mapping[str, str]) -> bytes:
    """The feedback for everything that a student handed in."""
    body = "".join(_lab(result, titles) for result in results)
    name = html.escape(student)
    policy = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{policy}\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Feedback for {name}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Feedback for {name}</h1>\n{body}</main>\n</body>\n</html>\n"
    ).encode()


def _lab(result: Mapping, titles: Mapping[str, str]) -> str:
    got, of = total(result)
    head = f"<section>\n<h2>{html.escape(result['lab'] or 'No lab')}: {got:g} of {of} points</h2>\n"
    if result["problem"]:
        head += f"<p>{rich(result['problem'])}</p>\n"
    rows = "".join(
        f'<tr><th scope="row">{one["id"]} {rich(titles[one["id"]])}</th><td>{_badge(one["kind"])}</td>'
        f'<td class="number">{one["points"]:g} of {one["of"]}</td></tr>\n'
        for one in result["exercises"]
    )
    columns = '<tr><th scope="col">Exercise</th><th scope="col">Result</th><th scope="col" class="number">Points</th></tr>'
    table = (
        '<div class="wide" tabindex="0" role="region" aria-label="Points"><table>\n<caption>Points by exercise</caption>\n'
        f"<thead>{columns}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
    return head + (table if rows else "") + "".join(_exercise(one, titles[one["id"]]) for one in result["exercises"]) + "</section>\n"


def _exercise(one: Mapping, title: str) -> str:
    parts = [f"<p>{_badge(one['kind'])}, {one['points']:g} of {one['of']} points.</p>"]
    parts += [f"<p>{rich(line)}</p>" for line in one["message"].splitlines()]
    if one["note"]:
        parts.append(f'<p class="soft">{rich(one["note"])}</p>')
    if one["hidden_of"] and (one["hidden"] or one["failed"]):
        others = " What those that failed look at:" if one["failed"] else ""
        parts.append(f"<p>Hidden tests: {one['hidden']} of {one['hidden_of']} passed.{others}</p>")
        if one["failed"]:
            parts.append("<ul>" + "".join(f"<li>{rich(words)}</li>" for words in one["failed"]) + "</ul>")
    if one["printed"].strip():
        text = html.escape(one["printed"])
        parts.append(f'<p>Your code printed (the beginning):</p><pre tabindex="0" aria-label="What your code printed">{text}</pre>')
    return f"<h3>{one['id']} {rich(title)}</h3>\n" + "\n".join(parts) + "\n"


def _badge(kind: str) -> str:
    mark, words = _KINDS[kind]
    return f'<span class="{kind.replace(" ", "-")}"><span aria-hidden="true">{mark} </span>{words}</span>'
