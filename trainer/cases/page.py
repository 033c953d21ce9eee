"""The page: one file that needs nothing else, neither a network nor a script."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape

from trainer.cases.hard import Doubted, HardCases, Picture, ShownPair

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#222, #ddd); --faint: light-dark(#666, #999);
  --paper: light-dark(#fff, #181818); --edge: light-dark(#ddd, #333); }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1, h2 { font-weight: 600; } h2 { margin-top: 2.5rem; }
p { max-width: 44rem; } small, figcaption { color: var(--faint); }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.case { border: 1px solid var(--edge); border-radius: 6px; padding: .75rem; overflow-wrap: anywhere; }
.pictures { display: flex; gap: .75rem; } figure { margin: 0; flex: 1; }
img { width: 100%; max-width: 16rem; image-rendering: pixelated; background: #888; }
"""
_FOREWORD = (
    "These are candidates, to be looked at by people: a hard case may be a bad picture, a wrong label or a network "
    "that has more to learn. A cosine of 1 is the same direction, 0 is nothing in common."
)
_MATED = "Of one subject, as the dataset says, and scored as if they were of two. The lowest score comes first."
_NON_MATED = "Of two subjects, and scored as if they were of one. The highest score comes first."
_DOUBTED = (
    "Samples whose mean score to the rest of their own subject is below their mean score to another one. The greatest "
    "margin comes first. <code>exclude.txt</code> lists them for <code>shardkit pack --exclude</code>: delete the "
    "lines of those that are right."
)


def page(cases: HardCases) -> str:
    title = escape(cases.title)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{title}</h1><p>{_FOREWORD}</p>",
            *_section("Worst mated pairs", _MATED, map(_pair, cases.mated)),
            *_section("Worst non-mated pairs", _NON_MATED, map(_pair, cases.non_mated)),
            *_section("Likely mislabels", _DOUBTED, map(_doubted, cases.doubted)),
            "</body></html>\n",
        ]
    )


def _section(title: str, what: str, cards: Iterable[str]) -> Iterator[str]:
    yield f'<h2>{title}</h2><p>{what}</p><div class="cases">'
    yield from list(cards) or ["<small>There are none.</small>"]
    yield "</div>"


def _pair(pair: ShownPair) -> str:
    one, other = pair.one, pair.other
    akin = f" <small>both of group {escape(one.group)}</small>" if _twins(one, other) else ""
    return _card(f"<b>{pair.cosine:.4f}</b>{akin}", [one, other])


def _twins(one: Picture, other: Picture) -> bool:
    return one.group == other.group and one.key.partition("/")[0] != other.key.partition("/")[0]


def _doubted(each: Doubted) -> str:
    return _card(f"<b>{each.best - each.own:.4f}</b> <small>{escape(each.reason)}</small>", [each.picture])


def _card(head: str, pictures: Iterable[Picture]) -> str:
    return f'<div class="case">{head}<div class="pictures">{"".join(map(_figure, pictures))}</div></div>'


def _figure(picture: Picture) -> str:
    key, content = escape(picture.key), b64encode(picture.png).decode()
    return f'<figure><img alt="{key}" src="data:image/png;base64,{content}"><figcaption>{key}</figcaption></figure>'
