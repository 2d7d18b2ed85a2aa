"""The report in a real browser: it opens without a word on the console, filters, searches, opens pairs, stays safe."""

import errno
import html
import json
import random
import re
from pathlib import Path

import polars as pl
import pytest

from pairforge import pipeline
from pairforge.errors import RunError
from pairforge.pipeline.experiments import parse_axes, run_sweep
from pairforge.pipeline.reporting import make_report
from pairforge.report.mathml import MathRenderer
from pairforge.report.packing import pack_pairs, shorten
from pairforge.run import Run
from tests.report.browser import CHROMIUM, DRIVER, Page, browser
from tests.synthetic import HOSTILE, make_run

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (apt-get install chromium chromium-driver)"
)


def report(folder: Path, n: int, *, hostile: bool = False) -> Path:
    run = make_run(folder / "run", n, hostile=hostile)
    for view, overrides in (("default", ["filter.rejected.status=any"]), ("tight", ["filter.gap.min=300"])):
        pipeline.make_view(pipeline.open_session(run, overrides), view)
    run_sweep(run, parse_axes(["filter.gap.max=200,none"]))
    return make_report(run, "default")


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return report(tmp_path_factory.mktemp("plain"), 60)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    return report(tmp_path_factory.mktemp("hostile"), 40, hostile=True)


def test_it_is_one_file_that_asks_the_network_for_nothing(plain):
    text = plain.read_text()
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text)
    assert "@import" not in text and "url(http" not in text
    assert [f.name for f in plain.parent.glob("figures/*.svg")] and [f.name for f in plain.parent.glob("figures/*.png")]


def test_it_says_how_well_form_alone_tells_the_sides_apart(plain):
    text = html.unescape(plain.read_text())
    assert re.search(r'<p class="warning" role="note">Can form alone tell .*\? Yes, by .*95% interval', text)
    assert "and a text classifier (words, pairs of words" in text


def test_the_same_view_gives_the_same_bytes(plain):
    before = plain.read_bytes()
    assert make_report(Run(plain.parents[2]), "default").read_bytes() == before


def test_it_goes_to_a_folder_that_is_not_there_yet(plain, tmp_path):
    written = make_report(Run(plain.parents[2]), "default", out=tmp_path / "new" / "page.html")
    assert written.read_bytes() == plain.read_bytes()


def test_a_report_that_cannot_be_written_leaves_the_old_one(plain, monkeypatch):
    write = Path.write_text

    def full(path: Path, text: str, **options: str) -> int:
        if ".html" not in path.name:
            return write(path, text, **options)
        write(path, text[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    before = plain.read_bytes()
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunError, match="No space left"):
        make_report(Run(plain.parents[2]), "default")
    assert plain.read_bytes() == before


def test_what_is_hostile_is_escaped_in_the_markup(hostile):
    text = re.sub(r'<script type="text/plain".*?</script>', "", hostile.read_text(), flags=re.DOTALL)
    assert text.count("<script") == 1  # the page's own
    assert not re.search(r"<img|<svg onload|<[^>]*\son\w+\s*=|href=.javascript", text)


def test_figures_with_hostile_labels_are_sound(hostile):
    from xml.etree import ElementTree

    for file in hostile.parent.glob("figures/*.svg"):
        tags = {element.tag.split("}")[-1] for element in ElementTree.parse(file).iter()}
        assert "script" not in tags and "image" not in tags


@needs_browser
def test_it_opens_filters_searches_and_shows_pairs(plain, tmp_path):
    pairs = pl.read_parquet(plain.parent / "pairs.parquet")
    with browser(tmp_path) as page:
        page.open(plain)
        assert count(page) == f"{pairs.height} of {pairs.height} pairs"
        assert page.js("document.querySelectorAll('.pair math').length") > 0

        one = pairs.row(0, named=True)
        page.press("/", *one["problem_id"])
        page.wait(f"document.getElementById('count').textContent.startsWith('1 of {pairs.height}')")
        page.press("\ue00c", "j", "\ue007")  # Escape, next pair, Enter
        page.wait("document.querySelectorAll('.side').length === 2")
        sides = page.js("[...document.querySelectorAll('.side h3')].map((h) => h.textContent)")
        assert sides[0].startswith(f"chosen, {one['chosen_tokens']} tokens, correct")
        assert page.js("document.querySelectorAll('.side math mfrac').length") > 0
        page.press("\ue007")
        page.wait("document.querySelector('.side') === null")

        setting(page, "search", "")
        setting(page, "kind", "incorrect")
        wrong = pairs.filter(rejected_status="incorrect").height
        page.wait(f"document.getElementById('count').textContent.startsWith('{wrong} of')")
        setting(page, "kind", "")
        low = int(pairs["gap_tokens"].median())
        setting(page, "gap-min", str(low))
        some = pairs.filter(pl.col("gap_tokens") >= low).height
        page.wait(f"document.getElementById('count').textContent.startsWith('{some} of')")
        setting(page, "gap-min", "")
        setting(page, "sort", "gap -1")
        page.wait(f"document.querySelector('.badges').textContent.startsWith('gap {pairs['gap_tokens'].max()} ')")
        page.press("n")
        page.wait("document.querySelector('.page').textContent.startsWith('page 2')")
        page.press("p")
        page.wait("document.querySelector('.page').textContent.startsWith('page 1')")
        assert page.console() == [] and page.requests() == []


@needs_browser
def test_nothing_hostile_runs(hostile, tmp_path):
    with browser(tmp_path) as page:
        page.open(hostile)
        page.js("document.querySelectorAll('.pair > button').forEach((button) => button.click())")
        page.js("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        page.wait("document.querySelectorAll('.side').length > 10")
        assert page.js("window.hit") is None
        assert (
            page.js(
                "document.querySelectorAll('main img, main script, main a[href^=javascript], [onload], [onerror]').length"
            )
            == 0
        )
        shown = page.js("document.querySelector('main').textContent")
        assert all(text in shown for text in HOSTILE[:3])  # shown as text, not swallowed
        assert page.js("document.querySelectorAll('math [href]').length") == 0
        assert page.console() == []


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(390, False), (1200, True)])
def test_it_fits_a_phone_and_the_dark(plain, tmp_path, width, dark):
    with browser(tmp_path, width=width, height=844, dark=dark) as page:
        page.open(plain)
        page.js("document.querySelector('.pair > button').click()")
        assert page.js("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        ink, back = (page.js(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
        assert (brightness(ink) > brightness(back)) == dark
        assert brightness(page.js("getComputedStyle(document.querySelector('figure svg text')).fill")) > 150 or not dark
        assert page.console() == []


def many(n: int):
    """Pairs with long texts that differ, as a big view has them."""
    letters = random.Random(0)
    words = ["".join(letters.choices("etaoinshrdlu", k=letters.randint(2, 9))) for _ in range(4000)]
    for i in range(n):
        rng = random.Random(i)
        long = "".join(
            f"{' '.join(rng.choices(words, k=9))} $x_{{{k}}} = \\frac{{{rng.randint(1, 99)}}}{{{k}}}$. "
            for k in range(60)
        )
        yield {
            "id": f"{i:016x}", "problem_id": f"p{i:015x}", "source": "amc", "question": f"Question {i}? " + long[:200],
            "answer": str(i), "gold": "dataset", "chosen": [{"role": "assistant", "content": long}],
            "rejected": [{"role": "assistant", "content": long[:900]}], "chosen_status": "correct",
            "rejected_status": "correct", "chosen_answer": str(i), "rejected_answer": str(i), "chosen_model": "t",
            "rejected_model": "s", "chosen_tokens": 3000, "rejected_tokens": 300, "gap_tokens": 2700, "ratio": 10.0,
            "draws": 1, "pick": "shortest", "chosen_key": "c", "rejected_key": "r",
        }  # fmt: skip


def test_many_pairs_are_shortened_to_fit():
    packed = pack_pairs(many(300), 20_000, MathRenderer())  # as large a share as 300 of 20,000 may have
    size = len(packed.index) + sum(map(len, packed.blocks))
    assert size * 20_000 / 300 < 23e6 and packed.shortened == 300 and packed.without_text == 0


@pytest.mark.full
def test_twenty_thousand_pairs_stay_below_25_mb():
    packed = pack_pairs(many(20_000), 20_000, MathRenderer())
    assert len(packed.index) + sum(map(len, packed.blocks)) < 24_000_000


def test_a_long_text_keeps_its_beginning_and_end():
    cut = shorten("a" * 500 + "b" * 500, 100)
    assert cut.startswith("a" * 60) and cut.endswith("b" * 40) and "900 characters left out" in cut
    assert shorten("short", 100) == "short"


def count(page: Page) -> str:
    return page.js("document.getElementById('count').textContent")


def setting(page: Page, name: str, value: str) -> None:
    page.js(
        f"(document.getElementById('{name}').value = {json.dumps(value)}, "
        f"document.getElementById('{name}').dispatchEvent(new Event('input', {{bubbles: true}})), 1)"
    )


def brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"\d+", colour)[:3])) / 3
