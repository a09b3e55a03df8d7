# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples of all rounds, and what can be said of them: medians, ratios, noise, goals."""
import configparser
import dataclasses
import statistics

from contenders import TWINS
from loads import FIGURES, LOADS

# With more a run cannot tell whether a goal near its border is met.
NOISE_MAX = 0.25


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median and quartiles of some values."""
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        """None when there are no values."""
        if not values:
            return None
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


class Results:
    """Figures by load, contender and round.

    Samples of traffic during which others had more than OTHERS_LIMIT per cent of the machine are
    kept, but nothing is computed from them.
    """

    def __init__(self, others_limit):
        self._others_limit = others_limit
        self._figures = {}
        self.failures = []

    def add(self, load, contender, round_number, figures):
        """One sample."""
        self._figures[load, contender, round_number] = figures

    def add_failure(self, load, contender, round_number, text):
        """A sample that could not be taken."""
        self.failures.append({"load": load, "contender": contender, "round": round_number,
                              "text": text})

    def samples(self):
        """All of them as plain dictionaries."""
        return [{"load": load, "contender": contender, "round": number, **figures}
                for (load, contender, number), figures in self._figures.items()]

    def contenders(self, load):
        """Those that have samples of LOAD."""
        return {contender for of_load, contender, _ in self._figures if of_load == load}

    def _counts(self, load, figures):
        return figures["others"] <= self._others_limit or not LOADS[load].traffic

    def count(self, load, contender):
        """How many samples everything here is computed from."""
        return len(self._by_round(load, contender, "others"))

    def _by_round(self, load, contender, figure):
        return {number: figures[figure]
                for (of_load, of_contender, number), figures in self._figures.items()
                if (of_load, of_contender) == (load, contender) and figure in figures
                and self._counts(load, figures)}

    def spread(self, load, contender, figure):
        """Of a figure over the rounds, or None."""
        return Spread.of(list(self._by_round(load, contender, figure).values()))

    def ratio(self, load, figure, contender, against):
        """Of the ratios within each round, or None: what drifts from round to round cancels."""
        above = self._by_round(load, contender, figure)
        below = self._by_round(load, against, figure)
        return Spread.of([above[number] / below[number] for number in sorted(above)
                          if below.get(number)])

    def noise(self, load, figure):
        """What the A/A pair's ratio is off 1, or half its quartile range if that is more; or None.

        A part of one: 0.02 says that a ratio of 0.98 to 1.02 may be chance.
        """
        ratio = self.ratio(load, figure, *reversed(TWINS))
        if ratio is None:
            return None
        return max(abs(ratio.median - 1), (ratio.high - ratio.low) / 2)


@dataclasses.dataclass(frozen=True)
class Goal:
    """One section of goals.ini."""
    name: str
    load: str
    figure: str
    contender: str
    against: str | None
    border: float
    at_least: bool

    def value(self, results):
        """The figure's or the ratio's spread, or None."""
        if self.against is None:
            return results.spread(self.load, self.contender, self.figure)
        return results.ratio(self.load, self.figure, self.contender, self.against)

    def judge(self, results):
        """"met", "within noise", "missed", "too noisy", or "not measured"."""
        value = self.value(results)
        if value is None:
            return "not measured"
        # A figure of its own has no pair that would tell its noise.
        noise = results.noise(self.load, self.figure) if self.against else 0
        if noise is None:
            return "too noisy"
        better, worse = (1 + noise, 1 - noise) if self.at_least else (1 - noise, 1 + noise)
        if not self._holds(value.median * better):
            return "missed"
        if noise > NOISE_MAX and not self._holds(value.median * worse):
            return "too noisy"
        return "met" if self._holds(value.median) else "within noise"

    def _holds(self, value):
        return value >= self.border if self.at_least else value <= self.border


def read_goals(path):
    """The goals of a file, in its order."""
    parser = configparser.ConfigParser()
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    goals = []
    for name in parser.sections():
        section = dict(parser[name])
        at_least = "at-least" in section
        border = float(section.pop("at-least" if at_least else "at-most"))
        goal = Goal(name=name, against=section.pop("against", None), border=border,
                    at_least=at_least, **section)
        if goal.figure not in FIGURES:
            raise KeyError(f"{path}: [{name}]: no figure {goal.figure}")
        goals.append(goal)
    return goals
