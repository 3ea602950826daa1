"""Pictures of a race: where every notification went, how often an update had to try again, and one collision up close."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import font_manager, style
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from cmpx.fields import CONTROL, FIELDS, RESERVED, THREADS
from cmpx.languages import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from cmpx.measuring import Contention
    from cmpx.racing import Event, RaceResult
    from cmpx.rounds import RoundsResult
    from cmpx.sheet import Row

__all__ = ["plot_contention", "plot_race", "plot_retries", "plot_rounds", "plot_sheet"]

_INK, _FAINT, _PAPER = "#222222", "#767676", "#ffffff"
_ON = next(field.colour for field in FIELDS if field.name == "on")
_LABEL: dict[str, Any] = {
    "ha": "right", "va": "top", "bbox": {"facecolor": THREADS["poster"], "edgecolor": _INK, "boxstyle": "round,pad=0.4"},
}  # fmt: skip
_SERIES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442")
_MOST_BARS = 6
_MOST_OUTCOMES = 12
_MOST_LANES = 4
_MOST_INTERVALS = 60  # a preempted attempt spans thousands


class _Picture(Figure):
    """A figure that a notebook shows sharply whichever matplotlib backend is chosen, or none."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=2 * self.dpi)
        width, height = (self.get_size_inches() * self.dpi).astype(int)
        return buffer.getvalue(), {"width": int(width), "height": int(height)}

    def __repr__(self) -> str:
        """What is written in it, for whoever cannot see it."""
        lines = [text.get_text() for text in self.texts]
        for axes in self.axes:
            words = (axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts))
            lines.append("  " + " | ".join(" ".join(word.split()) for word in words if word))
        return "\n".join(line for line in lines if line.strip())


@cache
def _family() -> list[str]:
    """The bundled font, made known to matplotlib; its own font stands behind it."""
    path = Path(__file__).parent / "fonts/cmpx-cjk.otf"
    font_manager.fontManager.addfont(path)
    return [font_manager.FontProperties(fname=path).get_name(), "DejaVu Sans"]


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0.0
    return "0 %" if not part else "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %"


def _look() -> dict[str, Any]:
    look: dict[str, Any] = {
        "font.family": _family(),
        "font.size": 9,
        "figure.facecolor": _PAPER,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "axes.titlepad": 8,
    }
    for name in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"):
        look[name] = _INK
    return look


def plot_race(result: RaceResult) -> Figure:
    """Draw a race in the reader's language.

    Parameters
    ----------
    result : RaceResult
        What ``race()`` returned.

    Returns
    -------
    matplotlib.figure.Figure
        It belongs to no pyplot window: a notebook shows it once, ``savefig`` writes it.
    """
    scene = _clearest(result.timeline)
    # heights in inches, from the top: heading, first row, collision, waits, footnote; a title stands above its panel
    collision = 0.7 + 0.55 * len(scene.lanes) if scene else 0
    waits = 0.65 if result.wake_ns else 0
    panels = [(1.0, 1.3), (2.85, collision)]
    if result.wake_ns or result.asleep:
        panels.append((2.85 + collision + (0.95 if scene else 0.35), waits))
    height = sum(panels[-1]) + (0.85 if panels[-1][1] else 0.45)
    with style.context(["default", _look()]):
        figure = _Picture(figsize=(9, height))
        rows = [
            figure.add_gridspec(
                1, 2, left=0.11, right=0.97, wspace=0.3, width_ratios=(1.25, 1),
                top=1 - top / height, bottom=1 - (top + max(tall, 0.01)) / height,
            )
            for top, tall in panels
        ]  # fmt: skip
        _heading(figure, result)
        _destinations(figure.add_subplot(rows[0][0]), result)
        _histogram(figure.add_subplot(rows[0][1]), result)
        _collision(figure.add_subplot(rows[1][:]), result.strategy, scene)
        if len(rows) > 2:
            _waits(figure.add_subplot(rows[2][:]), result)
        for axes in figure.axes:
            axes.tick_params(labelfontfamily=_family())
    return figure


def _heading(figure: Figure, result: RaceResult) -> None:
    """What came of it, the counts, what a race can show, and whether it was run here at all."""
    inch = 1 / figure.get_figheight()
    if result.lost:
        title = _("{strategy}: {lost:,} of {notifications:,} notifications lost")
    else:
        title = _("{strategy}: no notification lost in {updates:,} updates")
    counts = _(
        "{seconds:.3g} s, {updates:,} updates, {posts:,} posts: {coalesced:,} coalesced, {merged:,} merged; "
        "missed wakeups: {missed_wakeups:,}"
    )
    figure.text(0.02, 1 - 0.15 * inch, title.format_map(vars(result)), size=14, va="top")
    figure.text(0.02, 1 - 0.48 * inch, counts.format_map(vars(result)), color=_FAINT, va="top")
    figure.text(0.02, 0.1 * inch, _("A race can refute; only a full check can confirm."), color=_FAINT, size=8)
    if result.recorded:
        figure.text(0.98, 1 - 0.18 * inch, _("recorded on another machine"), **_LABEL)


def _destinations(axes: Axes, result: RaceResult) -> None:
    """One bar: every time ON was set, and what became of it; below it the same in numbers."""
    axes.set_title(_("Where each of {n:,} notifications (ON set) went").format(n=result.notifications))
    axes.set(xlim=(0, 1), ylim=(-3.5, 0.6))
    axes.axis("off")
    if not result.notifications:
        axes.text(0, 0, _("nothing was posted, so nobody was notified"), va="center")
        return
    left = 0.0
    parts = (
        (result.on_cleared, _("cleared by the harvest"), "#dddddd", None),
        (result.on_final, _("still set at the end"), _PAPER, "/////"),
        (result.lost, _("lost: written over"), _ON, None),
    )
    for row, (part, label, colour, hatch) in enumerate(parts, start=1):
        width = part / result.notifications
        for x, y, w, h in ((left, -0.4, width, 0.9), (0.0, -row - 0.3, 0.03, 0.6)):
            box = Rectangle((x, y), w, h, facecolor=colour, edgecolor=_INK, hatch=hatch, linewidth=0.8, clip_on=False)
            axes.add_patch(box)
        axes.text(0.05, -row, label, va="center")
        axes.text(1, -row, f"{part:,} ({_share(part, result.notifications)})", va="center", ha="right")
        left += width


def _histogram(axes: Axes, result: RaceResult) -> None:
    """How many updates needed how many tries."""
    counts = list(result.retry_histogram)
    while len(counts) > 1 and not counts[-1]:
        counts.pop()
    names = [str(retries) for retries in range(len(counts))]
    if len(counts) > _MOST_BARS:
        counts[_MOST_BARS - 1 :] = [sum(counts[_MOST_BARS - 1 :])]
        names[_MOST_BARS - 1 :] = [f"≥ {_MOST_BARS - 1}"]
    axes.set_title(_("Retries an update: {share} of attempts failed").format(share=_share(result.retries, result.attempts)))
    axes.barh(range(len(counts)), counts, height=0.6, color=THREADS["vCPU"], edgecolor=_INK, linewidth=0.8)
    axes.set_yticks(range(len(counts)), names)
    axes.set_ylabel(_("retries"))
    axes.set(xlim=(0, 1.7 * max(*counts, 1)), ylim=(max(len(counts), 3) - 0.4, -0.6), xticks=[])
    axes.spines.bottom.set_visible(False)
    for row, count in enumerate(counts):
        text = f"{count:,} ({_share(count, result.updates)})"
        axes.annotate(text, (count, row), (4, 0), textcoords="offset points", va="center", size=8)


@dataclass(frozen=True)
class _Scene:
    """An attempt that went wrong, the post that came between, the try that followed; as far as they were seen."""

    actors: tuple[Event, ...]
    shown: tuple[Event, ...]
    count: int

    @property
    def attempt(self) -> Event:
        return self.actors[0]

    @property
    def span(self) -> tuple[int, int]:
        return min(map(_start, self.actors)), max(event.end for event in self.actors)

    @property
    def lanes(self) -> list[str]:
        """The vCPU, the threads that act, and some of those that happen to be there."""
        actors = {event.thread for event in self.actors}
        names = {event.thread for event in self.shown}
        return sorted(names, key=lambda name: (name != "vCPU", name not in actors, name != "IOMMU", name))[:_MOST_LANES]


def _start(event: Event) -> int:
    return event.end if event.begin is None else event.begin


def _actors(attempt: Event, near: list[Event]) -> tuple[Event, ...]:
    posts = [event for event in near if event.kind == "post" and _start(event) <= attempt.end]
    # the last to set ON is the one that the attempt met, if it came after the read
    if attempt.begin is not None:
        posts = [post for post in posts if post.end >= attempt.begin]
    tries = [event for event in near if event.kind in ("failed", "retry") and event.end > attempt.end]
    return attempt, *posts[-1:], *(tries[:1] if attempt.kind == "failed" else [])


def _clearest(timeline: tuple[Event, ...]) -> _Scene | None:
    """Of the damage, else of the failures, the most complete scene; among equals the best stamped, then the shortest."""
    events = sorted(timeline, key=lambda event: event.end)
    # an attempt that the operating system held up has thousands of posts in it that changed nothing
    acts = [event for event in events if event.kind != "coalesced"]
    damage = [i for i, event in enumerate(acts) if event.kind == "damage"]
    wrong = damage or [i for i, event in enumerate(acts) if event.kind == "failed"]
    if not wrong:
        return None
    scenes = [_Scene(_actors(acts[i], acts[max(0, i - 40) : i + 40]), (), len(wrong)) for i in wrong]

    def unclear(scene: _Scene) -> tuple[int, int, int]:
        low, high = scene.span
        return -len(scene.actors), sum(event.begin is None for event in scene.actors), high - low

    best = min(scenes, key=unclear)
    low, high = best.span
    margin = max(high - low, 40) // 8
    shown = [event for event in events if event.end >= low - margin and _start(event) <= high + margin]
    shown.sort(key=lambda event: (event not in best.actors, abs(event.end - best.attempt.end)))
    return replace(best, shown=tuple(shown[:_MOST_INTERVALS]))


def _say(event: Event, strategy: str) -> str:
    """What happened in this interval."""
    match event.kind:
        case "failed":
            return _("cmpxchg fails: expected {old}, found {seen}").format(**_difference(event.old, event.seen))
        case "damage" if strategy == "store":
            return _("the store writes ON=0 over ON=1: notification lost")
        case "damage":
            return _("cmpxchg succeeds and writes ON=0 over ON=1: notification lost")
        case "retry":
            return _("the retry succeeds")
    return _("post: PIR bit, then ON=1")


def _difference(old: int, seen: int) -> dict[str, str]:
    """The fields in which two values of control differ, and what each holds."""
    names = {"old": "", "seen": ""}
    for field in FIELDS:
        if field.first in CONTROL and field.colour != RESERVED:
            values = [value >> (field.first - CONTROL.start) & ((1 << field.width) - 1) for value in (old, seen)]
            if values[0] != values[1]:
                for key, value in zip(names, values, strict=True):
                    names[key] += f" {field.name.upper()}={value}" if field.width == 1 else f" {field.name.upper()}={value:#x}"
    return {key: text.strip() for key, text in names.items()}


def _collision(axes: Axes, strategy: str, scene: _Scene | None) -> None:
    """The lanes of the threads around one attempt that went wrong."""
    if scene is None:
        axes.set_title(_("The stretch recorded holds no attempt that failed or did damage"))
        axes.axis("off")
        return
    attempt = scene.attempt
    if attempt.kind == "failed":
        axes.set_title(_("A failed attempt up close (the clearest of {count:,} recorded)").format(count=scene.count))
        axes.set_xlabel(_("nanoseconds from the failed cmpxchg"))
    else:
        axes.set_title(_("A lost notification up close (the clearest of {count:,} recorded)").format(count=scene.count))
        axes.set_xlabel(_("nanoseconds from the write that lost it"))
    zero = attempt.end
    low, high = scene.span
    margin = max(high - low, 40) / 8
    # room for the words at an open edge
    left = low - zero - margin if attempt.begin is not None else min(low - zero - margin, -0.3 * (high - low + margin))
    lanes = scene.lanes
    axes.set(xlim=(left, high - zero + margin), ylim=(len(lanes) - 0.35, -1.05))
    axes.set_yticks(range(len(lanes)), lanes)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _position: f"{x:,.0f}".replace("-", "−")))
    start = left if attempt.begin is None else attempt.begin - zero
    axes.axvspan(start, 0, color="#eeeeee", zorder=0)
    axes.axvline(0, color=_INK, linewidth=0.8, linestyle="--", zorder=1)
    axes.text(0, -0.72, " store" if strategy == "store" else " cmpxchg")
    if attempt.begin is None:
        axes.text(left, -0.72, _("← read, not stamped"), color=_FAINT)
    else:
        axes.axvline(start, color=_INK, linewidth=0.8, linestyle="--", zorder=1)
        axes.text(start, -0.72, _("read") + " ", ha="right")
    for event in scene.shown:
        if event.thread in lanes:
            lane = lanes.index(event.thread)
            _interval(axes, event, lane, zero, strength=1 if event in scene.actors else 0.35)
            if event in scene.actors:
                _caption(axes, _say(event, strategy), event, lane, zero, above=event is attempt)


def _interval(axes: Axes, event: Event, lane: int, zero: int, *, strength: float) -> None:
    """A bar from begin to end, its left edge open where the begin was not stamped; at the end, whether it succeeded."""
    left, _right = axes.get_xlim()
    begin = left if event.begin is None else event.begin - zero
    end = event.end - zero
    top, bottom = lane - 0.16, lane + 0.16
    colour = THREADS["vCPU" if event.thread == "vCPU" else "poster"]
    hatch = {"failed": "/////", "damage": "xxxxx"}.get(event.kind)
    size = end - begin, bottom - top
    axes.add_patch(Rectangle((begin, top), *size, facecolor=colour, edgecolor=_INK, linewidth=0, hatch=hatch, alpha=strength))
    outline = [(begin, top), (end, top), (end, bottom), (begin, bottom)]
    if event.begin is not None:
        outline.append((begin, top))
    axes.plot(*zip(*outline, strict=True), color=_INK, linewidth=0.8, alpha=strength)
    marker, ink, points = ("X", _ON, 10) if hatch else ("o", _INK, 5)
    axes.plot([end], [lane], marker, color=ink, markersize=points, markeredgecolor=_PAPER, alpha=strength, zorder=4)


def _caption(axes: Axes, text: str, event: Event, lane: int, zero: int, *, above: bool) -> None:
    """What happened and how long it took, above or below the bar and inside the axes."""
    left, right = axes.get_xlim()
    begin = left if event.begin is None else event.begin - zero
    if event.begin is not None:
        text = _("{text} ({duration:,} ns)").format(text=text, duration=event.end - event.begin)
    early = begin - left < 0.55 * (right - left)
    place = (begin if early else event.end - zero, lane + (-0.36 if above else 0.36))
    offset = (4 if early else -4, 0)
    side = "left" if early else "right"
    halo = [withStroke(linewidth=3, foreground="#eeeeee" if place[0] <= 0 else _PAPER)]
    axes.annotate(text, place, offset, textcoords="offset points", ha=side, va="center", size=8, path_effects=halo)


def _waits(axes: Axes, result: RaceResult) -> None:
    """How long each missed wakeup lasted, on a logarithmic axis."""
    if not result.wake_ns:
        axes.set_title(_("Missed wakeup: still asleep at the end, with an interrupt pending"))
        axes.axis("off")
        return
    axes.set_title(_("Missed wakeups: blocked with an interrupt pending, until the next post"))
    axes.set(yticks=[], ylabel=_("waits"), xlabel=_("microseconds asleep"))
    waits = np.maximum(np.array(result.wake_ns, dtype=float), 1) / 1000
    low, high = np.floor(np.log10(waits.min())), np.floor(np.log10(waits.max())) + 1
    axes.hist(waits, bins=np.logspace(low, high, int(8 * (high - low)) + 1).tolist(), color=THREADS["vCPU"], edgecolor=_INK)
    axes.set(xscale="log", xlim=(10**low, 10**high))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _position: f"{x:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.5)
    median, longest = (f"{x:,.0f}" if x >= 100 else f"{x:.3g}" for x in (np.median(waits), waits.max()))
    text = _("{count:,} waits, median {median} µs, longest {longest} µs")
    text = text.format(count=waits.size, median=median, longest=longest)
    if result.asleep:
        text += "\n" + _("still asleep at the end: 1 more")
    axes.text(1, 0.95, text, transform=axes.transAxes, ha="right", va="top", size=8)


def plot_rounds(result: RoundsResult) -> Figure:
    """Draw how often each outcome of a listing came, in the reader's language.

    Parameters
    ----------
    result : RoundsResult
        What ``Listing.race()`` returned.

    Returns
    -------
    matplotlib.figure.Figure
        It belongs to no pyplot window: a notebook shows it once, ``savefig`` writes it.
    """
    bars = [(outcome.count, result.label(outcome), outcome.failing > 0) for outcome in result.outcomes]
    rest = result.others + sum(count for count, _label, _failing in bars[_MOST_OUTCOMES:])
    bars = bars[:_MOST_OUTCOMES] + ([(rest, _("others"), False)] if rest else [])
    height = 1.55 + 0.32 * max(len(bars), 1)
    with style.context(["default", _look()]):
        figure = _Picture(figsize=(9, height))
        axes = figure.subplots()
        longest = max((len(label) for _count, label, _failing in bars), default=0)
        figure.subplots_adjust(left=min(0.5, 0.05 + 0.0085 * longest), right=0.97, top=1 - 1.0 / height, bottom=0.4 / height)
        inch = 1 / height
        title = _("{listing}: failing rounds {failing:,} of {rounds:,}").format_map(vars(result))
        counts = _("{seconds:.3g} s, {rate} rounds a second, {build}")
        figure.text(0.02, 1 - 0.15 * inch, title, size=14, va="top")
        figure.text(
            0.02, 1 - 0.48 * inch, counts.format(rate=f"{result.rate:,.0f}", seconds=result.seconds, build=result.build),
            color=_FAINT, va="top",
        )  # fmt: skip
        figure.text(0.02, 0.1 * inch, _("A race can refute; only a full check can confirm."), color=_FAINT, size=8)
        if result.recorded:
            figure.text(0.98, 1 - 0.18 * inch, _("recorded on another machine"), **_LABEL)
        if result.stopped:
            axes.set_title("✗ " + result.stopped)
        for row, (count, _label, failing) in enumerate(bars):
            colour, hatch = (_ON, "xxxxx") if failing else (THREADS["vCPU"], None)
            axes.barh(row, count, height=0.6, color=colour, edgecolor=_INK, hatch=hatch, linewidth=0.8)
            text = f"{count:,} ({_share(count, result.rounds)})" + "  ✗" * failing
            axes.annotate(text, (count, row), (4, 0), textcoords="offset points", va="center", size=8)
        axes.set_yticks(range(len(bars)), [label for _count, label, _failing in bars])
        axes.set(xlim=(0, 1.35 * max([count for count, _label, _failing in bars], default=1)), xticks=[])
        axes.set_ylim(max(len(bars), 1) - 0.4, -0.6)
        axes.spines.bottom.set_visible(False)
        axes.tick_params(labelfontfamily=_family())
    return figure


def plot_contention(results: Sequence[Contention]) -> Figure:
    """Draw what one operation cost in each measurement, in the reader's language.

    Parameters
    ----------
    results : sequence of Contention
        What ``contend()`` returned, in the order of the bars.

    Returns
    -------
    matplotlib.figure.Figure
        It belongs to no pyplot window: a notebook shows it once, ``savefig`` writes it.
    """
    height = 1.25 + 0.36 * max(len(results), 1)
    with style.context(["default", _look()]):
        figure = _Picture(figsize=(9, height))
        axes = figure.subplots()
        figure.subplots_adjust(left=0.36, right=0.97, top=1 - 0.65 / height, bottom=0.55 / height)
        _measured(figure, _("Processor time for one operation"), results)
        for row, result in enumerate(results):
            axes.barh(row, result.nanoseconds, height=0.6, color=THREADS["vCPU"], edgecolor=_INK, linewidth=0.8)
            text = f"{result.nanoseconds:,.1f} ns"
            if result.operation == "cmpxchg" and result.threads > 1:
                text += _(" ({share} of attempts failed)").format(share=_share(result.failures, result.attempts))
            axes.annotate(text, (result.nanoseconds, row), (4, 0), textcoords="offset points", va="center", size=8)
        axes.set_yticks(range(len(results)), [_setting(result) for result in results])
        axes.set(xlim=(0, 1.6 * max((result.nanoseconds for result in results), default=1)), xlabel=_("nanoseconds"))
        axes.set_ylim(max(len(results), 1) - 0.4, -0.6)
        axes.tick_params(labelfontfamily=_family())
    return figure


def _setting(result: Contention) -> str:
    """A measurement in a few words."""
    places = {
        "same": _("one word"),
        "neighbours": _("one line"),
        "apart": _("own lines"),
        "split": _("across lines"),
    }
    text = _("{operation}, {threads}, {place}")
    return text.format(operation=result.operation, threads=_threads(result.threads), place=places[result.place])


def _threads(count: int) -> str:
    return _("1 thread") if count == 1 else _("{threads} threads").format(threads=count)


def _measured(figure: Figure, title: str, results: Sequence[Contention]) -> None:
    """The title, and whether the results come from another machine."""
    inch = 1 / figure.get_figheight()
    figure.text(0.02, 1 - 0.15 * inch, title, size=14, va="top")
    if any(result.recorded for result in results):
        frame = {"facecolor": THREADS["poster"], "edgecolor": _INK, "boxstyle": "round,pad=0.4"}
        figure.text(0.98, 1 - 0.18 * inch, _("recorded on another machine"), ha="right", va="top", bbox=frame)


def plot_retries(results: Sequence[Contention]) -> Figure:
    """Draw the share of failed attempts against the window, measured and expected, in the reader's language.

    Parameters
    ----------
    results : sequence of Contention
        What ``contend("cmpxchg", …)`` returned, with different windows and numbers of threads, with and without backoff, and
        the same pause. The lines are ``cmpx.measuring.expected_share`` for as many threads as can run at once.

    Returns
    -------
    matplotlib.figure.Figure
        It belongs to no pyplot window: a notebook shows it once, ``savefig`` writes it.
    """
    from cmpx.measuring import expected_share

    series: dict[tuple[bool, int], list[Contention]] = {}
    for result in sorted(results, key=lambda result: result.window_cycles):
        series.setdefault((result.backoff, result.threads), []).append(result)
    widest = max((result.window_cycles for result in results), default=0) or 1
    with style.context(["default", _look()]):
        figure = _Picture(figsize=(9, 4.2))
        axes = figure.subplots()
        figure.subplots_adjust(left=0.09, right=0.76, top=0.86, bottom=0.14)
        _measured(figure, _("Share of attempts that failed"), results)
        ends = []
        # points of the same height must not hide each other
        looks = zip(sorted(series), cycle("osD^v"), cycle(_SERIES), (13, 8, 5, 4, 3), strict=False)
        for (backoff, threads), marker, colour, size in looks:
            points = series[backoff, threads]
            x, y = [point.window_cycles for point in points], [100 * point.share_failed for point in points]
            axes.plot(x, y, marker, color=colour, markeredgecolor=_INK, markersize=size, zorder=3)
            name = _("{threads}, with backoff") if backoff else "{threads}"
            ends.append((y[-1], name.format(threads=_threads(threads)), (marker, colour)))
        windows = np.linspace(0, widest, 100)
        for at_once in sorted({min(result.threads, result.cpus) for result in results}):
            pause = results[0].pause_cycles
            y = [100 * expected_share(at_once, window, pause) for window in windows]
            axes.plot(windows, y, color=_FAINT, linestyle="--", zorder=2)
            ends.append((y[-1], _("model: {threads} at once").format(threads=_threads(at_once)), ("_", _FAINT)))
        axes.set(xlim=(-0.02 * widest, 1.03 * widest), ylim=(-2, 1.15 * max([end[0] for end in ends], default=1) + 4))
        axes.set(xlabel=_("window between read and cmpxchg, in cycles"), ylabel=_("percent"))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _position: f"{x:,.0f}"))
        _name_ends(axes, ends)
        axes.tick_params(labelfontfamily=_family())
    return figure


def _name_ends(axes: Axes, ends: list[tuple[float, str, tuple[str, str]]]) -> None:
    """What each line and each row of points is, to the right of its end and clear of the next."""
    low, high = axes.get_ylim()
    apart, y = 0.065 * (high - low), low
    for end, name, (marker, colour) in sorted(ends):
        y = max(end, y + apart)
        place = axes.get_yaxis_transform()
        axes.plot([1.03], [y], marker, color=colour, markeredgecolor=_INK, markersize=7, transform=place, clip_on=False)
        axes.text(1.06, y, name, va="center", size=8, transform=place)


def plot_sheet(assignment: str, rows: Sequence[Row]) -> Figure:
    """Draw what share of a class got each thing wrong, in the reader's language.

    Parameters
    ----------
    assignment : str
        Its name.
    rows : sequence of cmpx.sheet.Row
        In the order of the bars.

    Returns
    -------
    matplotlib.figure.Figure
        It belongs to no pyplot window: a notebook shows it once, ``savefig`` writes it.
    """
    known = {"safety": _("safety"), "effect": _("effect"), "progress": _("progress"), "constraints": _("constraints")}
    failed, answered = _("{about}: {property}"), _("{about}: answer {letter}")
    height = 0.9 + 0.3 * max(len(rows), 1)
    with style.context(["default", _look()]):
        figure = _Picture(figsize=(9, height))
        axes = figure.subplots()
        figure.subplots_adjust(left=0.36, right=0.97, top=1 - 0.5 / height, bottom=0.2 / height)
        figure.text(0.02, 1 - 0.12 / height, _("{name}: what the class got wrong").format(name=assignment), size=14, va="top")
        labels = []
        for number, row in enumerate(rows):
            values = {"about": row.about, "property": known.get(row.what), "letter": row.what}
            labels.append((failed if row.what in known else answered).format(**values))
            exact = row.shown == str(row.count)
            share = 100 * row.count / row.of if exact else 0
            axes.barh(number, share, height=0.6, color=THREADS["vCPU"], edgecolor=_INK, linewidth=0.8)
            text = _("{count} of {total}").format(count=row.shown, total=row.of)
            axes.annotate(text, (share, number), (4, 0), textcoords="offset points", va="center", size=8)
        axes.set_yticks(range(len(rows)), labels)
        axes.set(xlim=(0, 115), xticks=[])
        axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
        axes.spines.bottom.set_visible(False)
        axes.tick_params(labelfontfamily=_family())
    return figure
